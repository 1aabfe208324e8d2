# Every library comes from the system's packages (see docs/decisions/0002-libraries.md for why each is here).
find_package(fmt 9 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tsl-robin-map 1.2 REQUIRED)
find_package(ZLIB 1.2 REQUIRED)
find_package(Threads REQUIRED)

find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY NAMES libzstd.a zstd REQUIRED)
add_library(unfrag_zstd INTERFACE)
target_include_directories(unfrag_zstd SYSTEM INTERFACE ${ZSTD_INCLUDE_DIR})
target_link_libraries(unfrag_zstd INTERFACE ${ZSTD_LIBRARY})

if(UNFRAG_TESTS)
  find_package(GTest 1.12 REQUIRED)
  include(GoogleTest)
endif()
