// What the null device and the process that has the real cuDNN say to each other (decision 0008).
//
//   program ── question: a header, then a graph of operations ──► dnn_server   one connection a process of the program
//           ◄── one answer each, none where cuDNN ended over it ──
//
// Packets of a Unix socket, in the machine's own numbers; the first is the server's greeting. A graph is its objects,
// parts before what they are part of: a GraphObject each, then its attributes, a GraphAttribute and that many bytes
// each. An attribute of parts has the numbers of objects before it, 32 bits each. Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unfrag::dnn_protocol {

inline constexpr const char* kSocketName = "dnn";        ///< In the rehearsal's folder.
inline constexpr size_t kMostBytes = size_t{128} << 10;  ///< Of a packet.
inline constexpr int64_t kFirstVersion = 90800;          ///< Of cuDNN that takes a description for a device.
inline constexpr int kPart = 15;                         ///< cudnnBackendAttributeType_t of parts.

/// Where the library cannot be loaded its version is 0, and a text follows that says why.
struct Greeting {
  int64_t version = 0;  ///< cudnnGetVersion's.
};

enum class What : int32_t { kEngines, kPlan };

struct Question {
  What what = What::kEngines;
  int32_t mode = 0;      ///< cudnnBackendHeurMode_t.
  int32_t position = 0;  ///< Of a plan: which of the engines that the heuristics propose.
};

struct GraphObject {
  int32_t type = 0;
  uint32_t attributes = 0;
};
struct GraphAttribute {
  int32_t name = 0;
  int32_t type = 0;
  int64_t count = 0;
  uint64_t bytes = 0;
};

/// What the heuristics propose: an Engine each, the best first.
struct Engine {
  int64_t index = 0;
  uint32_t numerical_notes = 0;  ///< Bit by number.
  uint32_t behaviours = 0;
};
struct Engines {
  int32_t answered = 0;  ///< 0: cuDNN does not take the graph as it is described.
  int32_t count = 0;
};
inline constexpr int kMostEngines = 256;

struct Plan {
  int32_t works = 0;  ///< 0: cuDNN cannot make it.
  int32_t shared_bytes = 0;
  int64_t workspace_bytes = 0;
};

}  // namespace unfrag::dnn_protocol
