// The official cuDNN, loaded into this process: the few functions that its workspaces are asked with.
//
// No CUDA driver is needed: stand_ins.cpp answers for it. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace unfrag::dnn_server {

using Status = int;  ///< cudnnStatus_t: 0 is success.
using Descriptor = void*;

struct Library {
  Status (*create)(int type, Descriptor* made) = nullptr;
  Status (*destroy)(Descriptor object) = nullptr;
  Status (*set)(Descriptor object, int name, int type, int64_t count, const void* values) = nullptr;
  Status (*get)(Descriptor object, int name, int type, int64_t room, int64_t* count, void* values) = nullptr;
  Status (*finalize)(Descriptor object) = nullptr;
  size_t (*version)() = nullptr;
  std::string fault{};  ///< Why it cannot be used.
};

/// From the folder; without functions and with a fault where it cannot be loaded.
Library load_library(const std::string& folder);

/// An object of the library, which ends with this.
class Object {
 public:
  Object() = default;
  Object(const Library& library, int type) : library_(&library) {
    if (library.create(type, &descriptor_) != 0) descriptor_ = nullptr;
  }
  ~Object() {
    if (descriptor_ != nullptr) library_->destroy(descriptor_);
  }
  Object(Object&& other) noexcept : library_(other.library_), descriptor_(other.descriptor_) {
    other.descriptor_ = nullptr;
  }
  Object& operator=(Object&&) = delete;

  [[nodiscard]] Descriptor get() const { return descriptor_; }
  /// Where functions of the library want an array of one.
  [[nodiscard]] const void* array() const { return static_cast<const void*>(&descriptor_); }
  [[nodiscard]] bool made() const { return descriptor_ != nullptr; }

 private:
  const Library* library_ = nullptr;
  Descriptor descriptor_ = nullptr;
};

}  // namespace unfrag::dnn_server
