#include "rehearsal/dnn_library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rehearsal/device_description.h"
#include "rehearsal/private_folder.h"

namespace unfrag::rehearsal {
namespace {

namespace fs = std::filesystem;

class DnnLibrary : public testing::Test {
 protected:
  DnnLibrary() { torch_.libraries = packages_ / "torch/lib"; }

  fs::path put_into(const fs::path& folder) {
    fs::create_directories(folder);
    std::ofstream(folder / kDnnFile);
    return folder;
  }

  Result<PrivateFolder> root_ = PrivateFolder::make();
  fs::path packages_ = root_->path() + "/site-packages";
  TorchInstall torch_{.python = "python3", .version = "2.15.0+cu132"};
};

TEST_F(DnnLibrary, IsFoundWherePipPutsItBesideTorch) {
  EXPECT_EQ(*find_dnn(torch_, ""), "");
  for (const char* const place : {"nvidia/cu13/lib", "nvidia/cudnn/lib", "torch/lib"}) {
    const fs::path folder = put_into(packages_ / place);
    EXPECT_EQ(*find_dnn(torch_, ""), folder) << place;
  }
}

TEST_F(DnnLibrary, IsThatOfTheFolderThatIsNamed) {
  put_into(packages_ / "nvidia/cudnn/lib");
  const fs::path other = put_into(root_->path() + "/other");
  EXPECT_EQ(*find_dnn(torch_, other), other);
}

TEST_F(DnnLibrary, IsMissingWhereTheFolderThatIsNamedDoesNotHaveIt) {
  const auto found = find_dnn(torch_, root_->path());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kMissing);
}

TEST(DeviceDescription, SaysOfEachGpuWhatItsTableDoes) {
  const std::string text = device_description(*device::find_gpu("t4"), 12_GiB);
  for (const char* const part :
       {R"({"deviceVer":750,)", R"("totalGlobalMem":12884901888,)", R"("multiProcessorCount":40,)",
        R"("maxSharedMemoryPerBlockOptin":65536,)", R"("reservedSharedMemoryPerBlock":0,)", R"("maxCtasPerSM":16,)",
        R"("maxThreadsPerSM":1024,)", R"("smClockRateKHz":1590000,)", R"("deviceName":"Tesla T4"})"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_NE(device_description(*device::find_gpu("a100-40g"), 40_GiB).find(R"("reservedSharedMemoryPerBlock":1024,)"),
            std::string::npos);
}

}  // namespace
}  // namespace unfrag::rehearsal
