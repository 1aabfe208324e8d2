#include "rehearsal/null/objects.h"

#include <array>
#include <atomic>
#include <mutex>

namespace unfrag::null {
namespace {

constexpr uint64_t kAlive = 0x756e66726167'0001;
constexpr uint64_t kEnded = 0x756e66726167'0000;
// As many as cusparseCreateCsr has, the longest of the calls whose arguments are asked for later.
constexpr size_t kKept = 11;

std::mutex lock;
Object* all = nullptr;    // The newest object there ever was.
Object* ended = nullptr;  // The last one given back.
std::atomic<uint64_t> numbers{0};

}  // namespace

struct Object {
  uint64_t state;
  Object* older;         ///< Made before this one: those that a program never gives back are not lost.
  Object* ended_before;  ///< While this one is ended.
  std::array<uint64_t, kKept> arguments;
};

namespace {

Object* alive(uint64_t address) {
  // Not a pointer at all: numbers and what was never set.
  if (address < 4096 || address % alignof(Object) != 0) return nullptr;
  auto* object = to_pointer<Object>(address);
  return object->state == kAlive ? object : nullptr;
}

Object* take() {
  const std::scoped_lock hold(lock);
  if (ended == nullptr) {
    all = new Object{.state = kEnded, .older = all, .ended_before = nullptr, .arguments = {}};
    return all;
  }
  Object* object = ended;
  ended = object->ended_before;
  return object;
}

}  // namespace

Object* create_object(const Call& call) {
  Object* object = take();
  // Beyond the arguments of a short call lies the caller's own frame: readable, and never asked for.
  for (size_t i = 0; i < kKept; ++i) object->arguments[i] = call.argument(i);
  object->state = kAlive;
  return object;
}

Object* copy_object(const Object* like) {
  const Object* model = alive(reinterpret_cast<uint64_t>(like));
  if (model == nullptr) return nullptr;
  Object* object = take();
  object->arguments = model->arguments;
  object->state = kAlive;
  return object;
}

bool destroy_object(uint64_t address) {
  const std::scoped_lock hold(lock);
  Object* object = alive(address);
  if (object == nullptr) return false;
  object->state = kEnded;
  object->ended_before = ended;
  ended = object;
  return true;
}

uint64_t kept(uint64_t address, size_t index) {
  const Object* object = alive(address);
  return object != nullptr && index < kKept ? object->arguments[index] : 0;
}

uint64_t new_number() { return ++numbers; }

}  // namespace unfrag::null
