// Answers questions (dnn_protocol.h) with the library's heuristics and plans for a device that is described to it.
//
// The graph asked about last is kept with what the heuristics proposed, as one question a plan follows. Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rehearsal/dnn_protocol.h"
#include "rehearsal/dnn_server/library.h"

namespace unfrag::dnn_server {

class Answers {
 public:
  /// `device`: JSON, as cuDNN wants it.
  Answers(const Library& library, const std::string& device);

  /// A packet. Nothing for what is no question.
  std::optional<std::string> answer(std::string_view question);

 private:
  bool prepare(int mode, std::string_view graph);
  [[nodiscard]] bool propose(int mode);
  [[nodiscard]] dnn_protocol::Engine engine_of(const Object& configuration) const;
  bool needs(const Object& configuration, dnn_protocol::Plan& plan) const;
  [[nodiscard]] dnn_protocol::Plan plan_of(int32_t position) const;

  const Library& library_;
  Object device_;
  bool described_ = false;
  std::optional<int> mode_;
  std::string graph_;
  std::vector<Object> objects_;         ///< Of the graph.
  std::vector<Object> configurations_;  ///< What the heuristics propose for it.
  bool proposed_ = false;
};

}  // namespace unfrag::dnn_server
