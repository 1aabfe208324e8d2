// Runs a command and writes its processor seconds (user and system) and peak resident bytes to a file, for
// bench/run.py.
//
// A process inherits the peak of the one that started it, so what measures must be small: Python's own memory would
// hide that of a short command.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: peak_run FILE COMMAND [ARG ...]\n");
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 5;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  std::FILE* const file = std::fopen(argv[1], "w");
  if (file == nullptr) return 5;
  std::fprintf(file, "%.6f %ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss * 1024);
  std::fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}
