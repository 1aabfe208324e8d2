#include "report/rehearsal_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "report/names.h"
#include "report/page.h"
#include "report/rehearsal_processes.h"

namespace unfrag::report {
namespace {

constexpr size_t kMostUnanswered = 5;

std::string signed_size(int64_t bytes) {
  const std::string size = format_bytes(Bytes(static_cast<uint64_t>(bytes < 0 ? -bytes : bytes)));
  return bytes < 0 ? fmt::format("-{}", size) : size;
}

const Fit* smallest_that_fits(const Rehearsal& r) {
  const auto found = std::ranges::find_if(r.fits, [](const Fit& fit) { return fit.fits == true; });
  return found == r.fits.end() ? nullptr : &*found;
}

std::string nothing_known(const Rehearsal& r) {
  const std::string program = escape_text(r.program);
  if (!r.incomplete.empty()) return fmt::format("Nothing is known of the memory of {}.", program);
  if (r.launches == 0) return fmt::format("{} asked for no GPU memory.", program);
  return fmt::format(
      "{} used the device, but not through PyTorch's own allocator (backend:cudaMallocAsync, a pluggable one, or "
      "PYTORCH_NO_CUDA_MEMORY_CACHING): nothing is known of its memory.",
      program);
}

// " Of device 2 it needs more: ...", as the figures are of the device with most entries
std::string more_elsewhere(const Rehearsal& r) {
  const auto most = std::ranges::max_element(r.together, {}, &Together::peak_reserved);
  if (most == r.together.end() || most->peak_reserved <= r.figures.statistics.reserved.peak) return "";
  return fmt::format(" Of device {} it needs more: {} reserved.", most->index, format_bytes(most->peak_reserved));
}

std::string peak_allocated(const Rehearsal& r) {
  return fmt::format("{}{}", r.figures.replayed() ? "" : "at least ",
                     format_bytes(r.figures.statistics.allocated.peak));
}

// "train.py needs 6.42 GiB of GPU memory: ...", of all its processes
std::string need(const Rehearsal& r) {
  const std::string program = escape_text(r.program);
  const alloc::Statistics& s = r.figures.statistics;
  const Together* const shared = most_shared(r);
  const char* const at_least = !r.incomplete.empty() ? "at least " : "";
  if (shared == nullptr) {
    return fmt::format("{} needs {}{} of GPU memory: {} allocated at the peak, {} reserved.{}", program, at_least,
                       format_bytes(s.reserved.peak), peak_allocated(r), format_bytes(s.reserved.peak),
                       more_elsewhere(r));
  }
  const char* const at_most = r.incomplete.empty() && shared->is_upper_bound ? "at most " : at_least;
  return fmt::format(
      "{} needs {}{} of GPU memory in {} processes at once, the largest of which reserves {} at its peak.", program,
      at_most, format_bytes(shared->peak_reserved), shared->most_at_once,
      format_bytes(r.processes.front().peak_reserved));
}

// "train.py runs out of memory on ...: 2 requests failed"
std::string headline(const Rehearsal& r) {
  if (!r.explanation) return nothing_known(r);
  const uint64_t ooms = all_ooms(r);
  if (ooms > 0) {
    return fmt::format("{} runs out of memory on {} with {}: {} failed{}, with {} allocated at the peak.",
                       escape_text(r.program), r.device, format_bytes(r.total), plural(ooms, "request"),
                       r.figures.statistics.num_ooms == 0 ? " in another process than this is about" : "",
                       peak_allocated(r));
  }
  std::string said = need(r);
  if (const Fit* const least = smallest_that_fits(r)) {
    said +=
        fmt::format(" The smallest GPU of the list that it fits is {} ({}).", least->name, format_bytes(least->total));
  }
  return said;
}

// "bs = 96 is the largest of 8..512 that fits"
void write_search(Page& page, const Rehearsal& r) {
  if (r.tried.empty()) return;
  const Tried* const largest = largest_that_fits(r);
  const std::string name = escape_text(r.fit_name);
  page.paragraph(largest == nullptr ? fmt::format("Not even {} = {} fits.", name, r.tried.front().value)
                                    : fmt::format("{} = {} is the largest that fits.", name, largest->value),
                 0, 0, Emphasis::kBold);
  for (const Tried& one : r.tried) {
    page.line("  {:>10}  {:>11}  {}", one.value, format_bytes(one.peak_reserved), one.fits ? "fits" : "does not fit");
  }
  page.blank();
}

std::string_view signal_name(int signal) {
  switch (signal) {
    case 1: return "SIGHUP";
    case 2: return "SIGINT";
    case 3: return "SIGQUIT";
    case 6: return "SIGABRT";
    case 7: return "SIGBUS";
    case 8: return "SIGFPE";
    case 9: return "SIGKILL";
    case 11: return "SIGSEGV";
    case 15: return "SIGTERM";
    default: return "signal";
  }
}

// A crash on the way out is PyTorch's threads' and Python's, and no reason to distrust the figures.
std::string signal_words(const Rehearsal& r) {
  const std::string signal = fmt::format("{} ({})", signal_name(r.signal), r.signal);
  if (r.at_exit) {
    return fmt::format("The program had come to its end: {} ended it while Python was shutting down.", signal);
  }
  std::string words = fmt::format("{} ended the program; the figures are up to then.", signal);
  if (!r.last_call.empty()) words += fmt::format(" The last call into the null device was {}.", r.last_call);
  return words;
}

// Of steps that were to end the program, where they did not.
void write_steps(Page& page, const Rehearsal& r) {
  if (r.steps == 0 || r.steps_made >= r.steps) return;
  if (r.steps_made) {
    page.paragraph(
        fmt::format("--steps {} was not reached: {} of optimizers is the most that a process made. Those that "
                    "GradScaler leaves out do not count.",
                    r.steps, plural(*r.steps_made, "step")));
    return;
  }
  page.paragraph(
      fmt::format("--steps {} did nothing: no Python of the program took the module that counts them from "
                  "PYTHONPATH (python -I, -E and -S do not).",
                  r.steps));
}

void write_ending(Page& page, const Rehearsal& r) {
  if (!r.has_kernels) {
    page.paragraph(fmt::format(
        "PyTorch {} has no kernels for {}: nothing that computes runs there. An older release, or its build "
        "for an older CUDA, may have them (torch.cuda.get_arch_list()).",
        escape_text(r.torch), r.device));
  }
  for (const std::string& said : rehearsal_troubles(r)) page.paragraph(said);
  write_steps(page, r);
  write_incomplete(page, r);
  write_processes(page, r);
  if (!r.figures.replayed()) {
    page.paragraph(fmt::format(
        "A replay differs from what PyTorch did, at entry {} first: the figures are what the entries say themselves, "
        "how "
        "often a request had to give memory back first is not known, and of other GPUs only what follows without a "
        "replay.",
        format_count(*r.figures.first_difference)));
  }
}

const char* answer(const Fit& fit) {
  if (!fit.has_kernels) return "no: this PyTorch has no kernels for it";
  if (fit.fits == true) return "yes";
  if (!fit.fits || !fit.fits_expandable) return "not known";
  return *fit.fits_expandable ? "with expandable_segments:True" : "no";
}

// The GPUs around the limit: those it just fits, those it just does not.
void write_fits(Page& page, const Rehearsal& r) {
  if (r.fits.empty()) return;
  page.heading("Which GPUs");
  page.line("  {:<34} {:>11} {:>11}  {}", "", "memory", "headroom", "fits");
  size_t shown = 0;
  const auto first =
      std::ranges::find_if(r.fits, [](const Fit& f) { return f.fits != false || f.fits_expandable != false; });
  const auto begin = first - std::min<ptrdiff_t>(first - r.fits.begin(), 2);
  for (auto fit = begin; fit != r.fits.end() && shown < 8; ++fit, ++shown) {
    page.line("  {:<34} {:>11} {:>11}  {}", page.trimmed(fit->name, 34), format_bytes(fit->total),
              signed_size(fit->headroom), answer(*fit));
  }
  const auto more = static_cast<size_t>(r.fits.end() - begin) - shown;
  if (all_ooms(r) > 0) {
    page.paragraph(
        "These are the requests up to where memory ran out and what the program did then. For all of them, "
        "rehearse with more: --memory 192GiB",
        2);
  }
  if (more > 0) page.paragraph(fmt::format("{} larger (--format json has all).", plural(more, "GPU")), 2);
}

// "; of the peak, 3.20 MiB."
std::string share_of_peak(const Rehearsal& r, Bytes bytes) {
  if (bytes == Bytes(0)) return "";
  return fmt::format("; of the peak, {}{}", r.figures.replayed() ? "" : "at least ", format_bytes(bytes));
}

// What makes cuDNN say itself what a rule said, where that matters.
std::string how_to_ask(const Rehearsal& r) {
  if (!r.dnn_trouble.empty())
    return fmt::format(" The cuDNN in {} is not asked: {}.", escape_text(r.dnn), r.dnn_trouble);
  if (r.peak_modelled == Bytes(0)) return "";
  if (r.dnn.empty()) {
    // "2.15.0+cu132"
    const size_t cuda = r.torch.find("+cu1");
    return fmt::format(" cuDNN would say itself: pip install --no-deps nvidia-cudnn-cu{} (0.5 GB, no GPU needed).",
                       cuda == std::string::npos ? "13" : escape_text(r.torch.substr(cuda + 3, 2)));
  }
  // Batch norm and recurrent layers have nothing that it could be asked.
  return r.dnn_version == 0 ? "" : fmt::format(" The cuDNN in {} did not answer.", escape_text(r.dnn));
}

// What of cuDNN's memory is known.
void write_workspaces(Page& page, const Rehearsal& r) {
  if (r.asked > 0) {
    page.paragraph(fmt::format("- {} of workspaces are what cuDNN {} itself says for this GPU{}.",
                               plural(r.asked, "size"), dnn_release(r.dnn_version), share_of_peak(r, r.peak_asked)),
                   2, 4);
  }
  if (r.modelled == 0) return;
  page.paragraph(fmt::format("- {} of workspaces are a rule of thumb's{}.{}", plural(r.modelled, "size"),
                             share_of_peak(r, r.peak_modelled), r.asked == 0 ? how_to_ask(r) : ""),
                 2, 4);
}

void write_limits(Page& page, const Rehearsal& r) {
  page.heading("What this rests on");
  const char* const read_as = r.values == "ones" ? "as one" : r.values == "random" ? "at random" : "as zero";
  page.paragraph(
      fmt::format("- {} kernels were not run: values are unknown, and read {}. The program read the "
                  "device {}, {} of them what no copy had put there; where its control flow hangs on such "
                  "values, a real run differs.",
                  format_count(r.launches), read_as, plural(r.host_reads, "time"), format_count(r.unknown_reads)),
      2, 4);
  write_workspaces(page, r);
  std::string names;
  uint64_t calls = 0;
  for (size_t i = 0; i < r.unanswered.size(); ++i) {
    calls += r.unanswered[i].second;
    if (i < kMostUnanswered) names += fmt::format("{}{}", names.empty() ? "" : ", ", r.unanswered[i].first);
  }
  if (calls == 0) return;
  if (r.unanswered.size() > kMostUnanswered) names += ", ...";
  page.paragraph(
      fmt::format("- {} of functions that the null device does not know were answered \"not supported\": {}.",
                  plural(calls, "call"), names),
      2, 4);
}

void write_timing(Page& page, const Rehearsal& r) {
  if (!r.timing) return;
  std::string parts;
  for (size_t i = 0; i < kTimedFamilies.size(); ++i) {
    parts += fmt::format("{}{} {:.3f} s", i == 0 ? "" : ", ", kTimedFamilies[i], r.timing->seconds[i]);
  }
  page.paragraph(fmt::format("- The null device itself took {:.3f} s of {:.3f} s since the first request for memory "
                             "({:.1f} %): {}.",
                             r.timing->total_seconds, r.timing->program_seconds, 100 * r.timing->share(), parts),
                 2, 4);
}

std::string next_command(const Rehearsal& r) {
  if (r.snapshot.empty())
    return "Next: unfrag rehearse --snapshot FILE ... keeps the recording, for explain, advise and replay\n";
  return fmt::format("Next: unfrag advise {}\n", file_argument(r.snapshot));
}

}  // namespace

std::string dnn_release(uint64_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::vector<std::string> rehearsal_troubles(const Rehearsal& r) {
  std::vector<std::string> said;
  if (r.signal != 0) {
    said.push_back(signal_words(r));
  } else if (r.exit_code != 0) {
    said.push_back(fmt::format("The program ended with exit code {}.", r.exit_code));
  }
  for (const auto& [python, torch] : r.other_torches) {
    said.push_back(
        fmt::format("{} ran too and has a torch of its own ({}). CUDA is presented to the torch of {} alone; without "
                    "NVIDIA's packages another may not even be imported. --python {} rehearses it.",
                    python, torch, escape_text(r.python), python));
  }
  if (!r.explanation && r.launches == 0 && r.other_torches.empty()) {
    said.push_back(
        fmt::format("CUDA is presented to the torch of {} alone: where the program starts another interpreter "
                    "(a notebook's kernel, a script), name that one with --python.",
                    escape_text(r.python)));
  }
  return said;
}

std::string fit_interrupted(const Rehearsal& r) {
  std::string found;
  for (const Tried& one : r.tried) {
    found += fmt::format("{}{} = {} {}", found.empty() ? ": " : ", ", escape_text(r.fit_name), one.value,
                         one.fits ? "fits" : "does not fit");
  }
  return fmt::format("--fit was interrupted by {} before the largest value was found{}", signal_name(r.interrupted),
                     found);
}

std::string rehearsal_notice(const Rehearsal& r) {
  return fmt::format(
      "unfrag: rehearsing {} on {} with {}, torch {}. Nothing is computed, but the program's own effects are real: "
      "files it writes are written.",
      escape_text(r.program), r.device, format_bytes(r.total), escape_text(r.torch));
}

std::string rehearsal_text(const Rehearsal& r, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  write_search(page, r);
  page.paragraph(headline(r), 0, 0, all_ooms(r) > 0 ? Emphasis::kAlarm : Emphasis::kBold);
  if (options.quiet) return std::move(page).take();
  write_ending(page, r);
  write_fits(page, r);
  write_limits(page, r);
  write_timing(page, r);
  std::string text = std::move(page).take();
  if (!r.explanation) return text;
  TextOptions within = options;
  within.within = true;
  return fmt::format("{}{}\n{}", text, explain_text(*r.explanation, within), next_command(r));
}

std::string gpu_list_text(const std::vector<Fit>& gpus, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  page.line("{:<22} {:>11}  {}", "--gpu", "memory", "name");
  for (const Fit& gpu : gpus) page.line("{:<22} {:>11}  {}", gpu.gpu, format_bytes(gpu.total), gpu.name);
  return std::move(page).take();
}

}  // namespace unfrag::report
