#include "rehearsal/null/stage.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace unfrag::null {
namespace {

void set(Stage& stage, const std::string& key, std::istringstream& value) {
  if (key == "name") {
    std::getline(value >> std::ws, stage.name);
  } else if (key == "cuda_version") {
    value >> stage.cuda_version;
  } else if (key == "dnn_version") {
    value >> stage.dnn_major >> stage.dnn_minor >> stage.dnn_patch;
  } else if (key == "devices") {
    value >> stage.devices;
  } else if (key == "total_bytes") {
    value >> stage.total_bytes;
  } else if (key == "context_bytes") {
    value >> stage.context_bytes;
  } else if (key == "capability") {
    value >> stage.major >> stage.minor;
  } else if (key == "multiprocessors") {
    value >> stage.multiprocessors;
  } else if (key == "threads_per_multiprocessor") {
    value >> stage.threads_per_multiprocessor;
  } else if (key == "registers_per_multiprocessor") {
    value >> stage.registers_per_multiprocessor;
  } else if (key == "shared_bytes") {
    value >> stage.shared_per_multiprocessor >> stage.shared_per_block >> stage.shared_per_block_optin;
  } else if (key == "l2_bytes") {
    value >> stage.l2_bytes;
  } else if (key == "bus_width_bits") {
    value >> stage.bus_width_bits;
  } else if (key == "clock_khz") {
    value >> stage.clock_khz >> stage.memory_clock_khz;
  } else if (key == "host_addresses") {
    value >> stage.host_addresses;
  } else if (key == "one_blas_handle") {
    value >> stage.one_blas_handle;
  } else if (key == "blocks_per_multiprocessor") {
    value >> stage.blocks_per_multiprocessor;
  } else if (key == "tracker") {
    value >> stage.allocator_at >> stage.native_table_at >> stage.attach_tracker_at >> stage.entries_have_pool >>
        stage.allocator_library_size;
  } else if (key == "allocator_calls") {
    value >> stage.native_table_bytes >> stage.set_fraction_at >> stage.begin_pool_at >> stage.end_pool_at;
  } else if (key == "host_copy_bytes") {
    value >> stage.host_copy_bytes;
  } else if (key == "settings_from") {
    for (std::string name; value >> name;) stage.settings_from.push_back(name);
  } else if (key == "timing") {
    value >> stage.timing;
  } else if (key == "values") {
    std::string how;
    value >> how;
    stage.values = how == "ones" ? Values::kOnes : how == "random" ? Values::kRandom : Values::kZeros;
  }
}

Stage read_stage() {
  Stage stage;
  const char* const folder = std::getenv("UNFRAG_REHEARSAL_FOLDER");
  if (folder == nullptr) return stage;
  stage.folder = folder;
  std::ifstream file(stage.folder + "/stage");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream value(line);
    std::string key;
    value >> key;
    set(stage, key, value);
  }
  return stage;
}

/// No later rehearsal removes the folder while this process lives, even where the one that made it was killed.
void keep(const char* folder) {
  const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file >= 0) flock(file, LOCK_SH | LOCK_NB);
}

/// Tells the parent that the loader took this library, and into which program: where it could not, a program would run
/// on what else it finds. The stage is read at once: a child that is forked while another thread reads it would wait
/// for that thread for ever.
[[gnu::constructor]] void begin(int /*count*/, char** words) {
  const char* const folder = std::getenv("UNFRAG_REHEARSAL_FOLDER");
  if (folder == nullptr) return;
  std::ofstream loaded(std::string(folder) + "/loaded", std::ios::app);
  loaded << std::string(words[0] == nullptr ? "" : words[0]) + "\n";
  loaded.close();
  keep(folder);
  stage();
}

}  // namespace

// Never destroyed: the program's own destructors still call in when it exits.
const Stage& stage() {
  static const Stage* const read = new Stage(read_stage());
  return *read;
}

}  // namespace unfrag::null
