#include "rehearsal/null/dnn_backend.h"

#include <gtest/gtest.h>

#include <array>

namespace unfrag::null {
namespace {

constexpr int kName = 902;

BackendHandle handle_of(int type) { return {std::make_shared<BackendObject>(type)}; }

TEST(BackendObject, KeepsWhatItIsGiven) {
  BackendObject tensor(17);
  const std::array<int64_t, 4> dims = {32, 64, 56, 55};
  tensor.set(kName, *read_value(kBackendInt64, 4, dims.data()));
  EXPECT_EQ(tensor.integers(kName), std::vector<int64_t>(dims.begin(), dims.end()));
  EXPECT_EQ(tensor.integer(kName), 32);
  EXPECT_EQ(tensor.integer(kName + 1), std::nullopt);
  EXPECT_EQ(tensor.part(kName), nullptr);
}

TEST(BackendObject, ReadsAnEnumerationAsANumber) {
  BackendObject tensor(17);
  const int32_t half = 2;
  tensor.set(901, *read_value(1, 1, &half));
  EXPECT_EQ(tensor.integer(901), 2);
}

TEST(BackendObject, KeepsPartsThatTheProgramDestroys) {
  BackendObject graph(15);
  {
    BackendHandle operation = handle_of(10);
    BackendHandle* const pointer = &operation;
    graph.set(801, *read_value(kBackendPart, 1, &pointer));
  }
  ASSERT_NE(graph.part(801), nullptr);
  EXPECT_EQ(graph.part(801)->type(), 10);
}

TEST(BackendValue, IsNotReadFromAnUnknownTypeOrFromNowhere) {
  const int64_t number = 1;
  EXPECT_FALSE(read_value(99, 1, &number));
  EXPECT_FALSE(read_value(kBackendInt64, 1, nullptr));
  EXPECT_FALSE(read_value(kBackendInt64, -1, &number));
  BackendHandle* const none = nullptr;
  EXPECT_FALSE(read_value(kBackendPart, 1, &none));
  EXPECT_TRUE(read_value(kBackendInt64, 0, nullptr));
}

TEST(BackendValue, IsNeverWrittenBeyondTheRoomThereIs) {
  const std::array<int64_t, 3> from = {1, 2, 3};
  const BackendValue value = *read_value(kBackendInt64, 3, from.data());
  std::array<int64_t, 3> to = {0, 0, 0};
  EXPECT_EQ(write_value(value, 2, to.data()), 3);
  EXPECT_EQ(to, (std::array<int64_t, 3>{1, 2, 0}));
  EXPECT_EQ(write_value(value, 0, nullptr), 3);
  EXPECT_EQ(write_value(value, -1, to.data()), 3);
}

TEST(BackendValue, PutsPartsIntoTheObjectsThatTheProgramBrings) {
  const BackendValue value = parts_value({handle_of(2).object, handle_of(2).object});
  BackendHandle first = handle_of(3);
  BackendHandle second = handle_of(3);
  std::array<BackendHandle*, 2> handles = {&first, &second};
  EXPECT_EQ(write_value(value, 1, handles.data()), 2);
  EXPECT_EQ(first.object->type(), 2);
  EXPECT_EQ(second.object->type(), 3);
  // The answer stays what it is, whatever the program does to its copy.
  first.object->set(kName, int64_value(5));
  EXPECT_EQ(value.parts[0]->find(kName), nullptr);
}

}  // namespace
}  // namespace unfrag::null
