// A recording that was read, and what can be asked of it.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "app/advise.h"
#include "app/explain.h"
#include "app/explain_options.h"
#include "app/recording.h"
#include "app/replay.h"
#include "app/what_if.h"
#include "base/text.h"
#include "bindings/classes.h"
#include "bindings/errors.h"
#include "bindings/reports.h"
#include "bindings/table.h"
#include "report/snapshot_pickle.h"
#include "table/trace_tables.h"
#include "trace/difference.h"

namespace nb = nanobind;

namespace unfrag::bindings {
namespace {

using ReleaseGil = nb::call_guard<nb::gil_scoped_release>;

class PyRecording {
 public:
  explicit PyRecording(app::Recording recording) : recording_(std::move(recording)) {}

  [[nodiscard]] const app::Recording& recording() const { return recording_; }

  /// What tables are made of is found once.
  [[nodiscard]] table::Source source() {
    const std::scoped_lock lock(mutex_);
    if (!source_) source_ = table::source_of(recording_.trace);
    return *source_;
  }

 private:
  app::Recording recording_;
  std::mutex mutex_;
  std::optional<table::Source> source_;
};

app::OpenOptions open_options(const std::string& max_unpacked) {
  return value_of(app::parse_recording_options({.max_unpacked = max_unpacked})).open;
}

/// `path`: in the file system's own bytes.
std::unique_ptr<PyRecording> load_file(const nb::bytes& name, const std::string& max_unpacked) {
  const std::string path(name.c_str(), name.size());
  const nb::gil_scoped_release released;
  return std::make_unique<PyRecording>(value_of(app::open_recording(path, open_options(max_unpacked)), path));
}

std::unique_ptr<PyRecording> load_bytes(const nb::bytes& bytes, const std::string& name,
                                        const std::string& max_unpacked) {
  const std::string_view view(bytes.c_str(), bytes.size());
  const nb::gil_scoped_release released;
  return std::make_unique<PyRecording>(value_of(app::read_recording(view, name, open_options(max_unpacked)), name));
}

PyExplanation explain(const PyRecording& self, const app::ExplainArguments& arguments) {
  const std::string& path = self.recording().path;
  const app::ExplainOptions options = value_of(app::parse_explain_options(arguments), path);
  return {std::make_shared<const analyze::Explanation>(value_of(app::explain(self.recording(), options), path)),
          options.read};
}

PyReplay replay(const PyRecording& self, const app::RecordingArguments& arguments, std::optional<std::string> conf,
                bool curves, bool timing) {
  const std::string& path = self.recording().path;
  const app::ReplayOptions options{.open = {},
                                   .device = arguments.device,
                                   .read = value_of(app::parse_recording_options(arguments), path).read,
                                   .conf = std::move(conf),
                                   .curves = curves,
                                   .timing = timing};
  return {std::make_shared<const replay::Replayed>(value_of(app::replay(self.recording(), options), path))};
}

PyAdvice advise(const PyExplanation& self, const app::RecordingArguments& arguments) {
  const std::string& path = self.explanation->path;
  const replay::ReadOptions read = value_of(app::parse_recording_options(arguments), path).read;
  return {self.explanation, std::make_shared<const advise::Advice>(
                                value_of(app::advise(*self.explanation, {.read = read, .progress = {}}), path))};
}

/// What torch.cuda.memory._dump_snapshot would have written.
nb::bytes snapshot(const PyRecording& self) {
  std::string bytes;
  {
    const nb::gil_scoped_release released;
    bytes = report::snapshot_pickle(*self.recording().trace);
  }
  return nb::bytes(bytes.data(), bytes.size());
}

/// The recording as it would have been.
PyExplanation what_if(const PyExplanation& self, const app::RecordingArguments& arguments,
                      const std::optional<std::string>& conf) {
  const std::string& path = self.explanation->path;
  const app::ExplainOptions options{.read = value_of(app::parse_recording_options(arguments), path).read};
  return {std::make_shared<const analyze::Explanation>(
      value_of(app::explain_what_if(*self.explanation, conf, options), path))};
}

void add_arguments(nb::module_& module) {
  using Recording = app::RecordingArguments;
  nb::class_<Recording>(module, "RecordingArguments")
      .def(nb::init<>())
      .def_rw("memory", &Recording::memory)
      .def_rw("context", &Recording::context)
      .def_rw("fraction", &Recording::fraction)
      .def_rw("addresses", &Recording::addresses)
      .def_rw("torch", &Recording::torch)
      .def_rw("device", &Recording::device, nb::arg("device").none());
  using Explain = app::ExplainArguments;
  nb::class_<Explain>(module, "ExplainArguments")
      .def(nb::init<>())
      .def_rw("at", &Explain::at)
      .def_rw("group", &Explain::group)
      .def_rw("want", &Explain::want)
      .def_rw("stream", &Explain::stream)
      .def_rw("recording", &Explain::recording);
}

}  // namespace

void add_recording(nb::module_& module) {
  add_arguments(module);
  nb::class_<PyRecording>(module, "Recording")
      .def_prop_ro("name", [](const PyRecording& self) { return escape_text(self.recording().path); })
      .def_prop_ro("warnings", [](const PyRecording& self) { return self.recording().trace->warnings; })
      .def("explain", &explain, nb::arg("arguments"), ReleaseGil())
      .def("replay", &replay, nb::arg("arguments"), nb::arg("conf").none(), nb::arg("curves"), nb::arg("timing"),
           ReleaseGil())
      .def(
          "equals",
          [](const PyRecording& self, const PyRecording& other) {
            return trace::difference(*self.recording().trace, *other.recording().trace).empty();
          },
          nb::arg("other"), ReleaseGil())
      .def("snapshot", &snapshot)
      .def(
          "events", [](PyRecording& self) { return to_python(table::events_table(self.source())); }, ReleaseGil())
      .def(
          "blocks", [](PyRecording& self) { return to_python(table::blocks_table(self.source())); }, ReleaseGil())
      .def(
          "segments", [](PyRecording& self) { return to_python(table::segments_table(self.source())); }, ReleaseGil())
      .def("stacks", [](PyRecording& self) { return to_python(table::stacks_table(self.source())); }, ReleaseGil());
  module.def("load_file", &load_file, nb::arg("path"), nb::arg("max_unpacked"));
  module.def("load_bytes", &load_bytes, nb::arg("data"), nb::arg("name"), nb::arg("max_unpacked"));
  module.def("what_if", &what_if, nb::arg("explanation"), nb::arg("arguments"), nb::arg("conf").none(), ReleaseGil());
  module.def("advise", &advise, nb::arg("explanation"), nb::arg("arguments"), ReleaseGil());
  module.def(
      "recording_of",
      [](const PyReplay& replay) { return std::make_unique<PyRecording>(app::recording_of(*replay.replayed)); },
      nb::arg("replay"), ReleaseGil());
}

}  // namespace unfrag::bindings
