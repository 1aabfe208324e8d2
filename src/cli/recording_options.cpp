#include "cli/recording_options.h"

namespace unfrag::cli {

void add_recording_options(CLI::App& command, app::RecordingArguments& arguments) {
  command.add_option("--memory", arguments.memory,
                     "All memory of the device, such as 24GiB: a recording does not tell");
  command.add_option("--context", arguments.context, "With --memory: what the process's CUDA context takes of it");
  command.add_option("--fraction", arguments.fraction, "With --memory: the process's set_per_process_memory_fraction")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--addresses", arguments.addresses,
                  "Where new segments lie (default: as the recording's own mostly do)")
      ->check(CLI::IsMember({"up", "down"}));
  command.add_option("--torch", arguments.torch,
                     "The PyTorch release that made the recording, such as 2.9 (default: the oldest it can be)");
  command.add_option("--device", arguments.device, "Device (default: the one with most trace entries)");
  command.add_option("--max-unpacked", arguments.max_unpacked,
                     "Most bytes to unpack (default: 1000 times the file, 64GiB)");
}

}  // namespace unfrag::cli
