// The way to cuDNN and back, with a stand-in for its library (dnn_server/dnn_for_tests.cpp), through real processes.
#include "rehearsal/dnn_process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rehearsal/device_description.h"
#include "rehearsal/dnn_server/dnn_for_tests.h"
#include "rehearsal/null/dnn_asked.h"
#include "rehearsal/null/dnn_plan.h"

namespace unfrag::rehearsal {
namespace {

using namespace dnn_for_tests;
using null::BackendObject;
using null::BackendPart;
using null::DnnConnection;

std::shared_ptr<BackendObject> heuristics_for(int operation) {
  const auto tensor = std::make_shared<BackendObject>(null::kBackendTensor);
  tensor->set(null::kTensorDims, null::int64_value(64));
  const auto work = std::make_shared<BackendObject>(operation);
  work->set(703, null::parts_value({tensor, tensor}));
  const auto graph = std::make_shared<BackendObject>(null::kBackendGraph);
  graph->set(null::kGraphOperations, null::parts_value({work}));
  auto heuristics = std::make_shared<BackendObject>(null::kBackendHeuristics);
  heuristics->set(null::kHeuristicsGraph, null::parts_value({graph}));
  heuristics->set(null::kHeuristicsMode, null::int32_value(0));
  return heuristics;
}

std::shared_ptr<BackendObject> plan_with(const BackendPart& configuration) {
  auto plan = std::make_shared<BackendObject>(null::kBackendPlan);
  plan->set(null::kPlanConfiguration, null::parts_value({configuration}));
  return plan;
}

int64_t number(const null::BackendValue& value) {
  BackendObject reader(0);
  reader.set(1, value);
  return reader.integer(1).value();
}

class RealDnn : public testing::Test {
 protected:
  void start(const char* library = UNFRAG_TEST_DNN) {
    options_.library = library;
    auto started = DnnProcess::start(*folder_, options_);
    ASSERT_TRUE(started);
    process_.emplace(std::move(*started));
  }

  /// What cuDNN proposes; none where it cannot be asked.
  std::vector<BackendPart> configurations(int operation) {
    const auto answer = asked_answer_of(*heuristics_for(operation), null::kHeuristicsResults, connection_);
    return answer ? answer->parts : std::vector<BackendPart>{};
  }
  int64_t workspace(const BackendPart& configuration) {
    return number(*asked_answer_of(*plan_with(configuration), null::kPlanWorkspace, connection_));
  }
  bool refuses(const BackendPart& configuration) { return !finalize(*plan_with(configuration), connection_); }

  bool is_said(const BackendPart& configuration) {
    const auto plan = plan_with(configuration);
    finalize(*plan, connection_);
    return is_asked(*plan);
  }

  DnnOptions options_{.library = "", .device = device_description(device::reference_gpu(), 16_GiB), .seconds = 1};
  Result<PrivateFolder> folder_ = PrivateFolder::make();
  std::optional<DnnProcess> process_;
  DnnConnection connection_{folder_->path()};
};

TEST_F(RealDnn, SaysWhatItProposesAndWhatEachPlanWants) {
  start();
  const auto forward = configurations(kForward);
  ASSERT_EQ(forward.size(), 3U);
  EXPECT_EQ(workspace(forward[0]), 5'000'000);
  EXPECT_EQ(workspace(forward[1]), 5'000'001);
  EXPECT_EQ(workspace(configurations(kData)[0]), 6'000'000);
  EXPECT_EQ(workspace(configurations(kFilter)[0]), 7'000'000);
  EXPECT_EQ(number(*asked_answer_of(*forward[0], null::kConfigurationShared, connection_)), 48);
  EXPECT_EQ(forward[0]->part(null::kConfigurationEngine)->integers(null::kEngineNumericalNotes),
            std::vector<int64_t>{4});
  EXPECT_EQ(connection_.version(), 92801);
}

TEST_F(RealDnn, RefusesThePlanThatItCannotMakeAndNoOther) {
  start();
  const auto found = configurations(kForward);
  EXPECT_FALSE(refuses(found[0]));
  EXPECT_TRUE(refuses(found[2]));
}

TEST_F(RealDnn, IsAskedOnceOfAGraph) {
  start();
  const auto index = [&](int operation) {
    return configurations(operation)[0]->part(null::kConfigurationEngine)->integer(null::kEngineIndex);
  };
  EXPECT_EQ(index(kForward), 1);
  EXPECT_EQ(index(kData), 2);
  EXPECT_EQ(index(kForward), 1);
}

TEST_F(RealDnn, LeavesAGraphThatItCrashesOverToTheRulesAndAnswersTheNext) {
  start();
  EXPECT_TRUE(configurations(kCrashes).empty());
  EXPECT_EQ(configurations(kForward).size(), 3U);
  EXPECT_TRUE(configurations(kCrashes).empty());
}

TEST_F(RealDnn, LeavesAPlanThatItCrashesOverToTheRulesAndNoOther) {
  start();
  const auto found = configurations(kPlanCrashes);
  EXPECT_FALSE(refuses(found[1]));
  EXPECT_FALSE(asked_answer_of(*plan_with(found[1]), null::kPlanWorkspace, connection_));
  EXPECT_FALSE(is_said(found[1]));
  EXPECT_EQ(workspace(found[0]), 7'000'000);
  EXPECT_TRUE(is_said(found[0]));
}

TEST_F(RealDnn, IsEndedOverAQuestionThatTakesForEver) {
  start();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(configurations(kHangs).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_EQ(configurations(kForward).size(), 3U);
}

TEST_F(RealDnn, LeavesAGraphThatItRefusesToTheRules) {
  start();
  EXPECT_TRUE(configurations(kRefused).empty());
}

TEST_F(RealDnn, IsNotAskedWhereItIsOlderThanDescriptionsOfDevices) {
  start(UNFRAG_TEST_OLD_DNN);
  EXPECT_TRUE(configurations(kForward).empty());
  EXPECT_EQ(connection_.version(), 90100);
  EXPECT_NE(process_->trouble().find("too old to be asked"), std::string::npos);
}

TEST_F(RealDnn, IsNotAskedWhereItCannotBeLoadedOrIsNotThere) {
  EXPECT_TRUE(configurations(kForward).empty());  // nobody listens
  start("/nowhere");
  DnnConnection other(folder_->path());
  EXPECT_FALSE(asked_answer_of(*heuristics_for(kForward), null::kHeuristicsResults, other));
  EXPECT_EQ(other.version(), 0);
}

TEST_F(RealDnn, SaysWhyItCannotBeLoaded) {
  start("/nowhere");
  EXPECT_EQ(process_->trouble(),
            "/nowhere/libcudnn_graph.so.9: cannot open shared object file: No such file or directory");
}

TEST_F(RealDnn, HasNoTroubleWhereItCanBeAsked) {
  start();
  EXPECT_EQ(process_->trouble(), "");
}

TEST_F(RealDnn, IsAskedByAForkedChildOverAConnectionOfItsOwn) {
  start();
  EXPECT_EQ(configurations(kForward).size(), 3U);
  const pid_t child = fork();
  if (child == 0) _exit(configurations(kData).size() == 3 ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(configurations(kFilter).size(), 3U);
}

TEST_F(RealDnn, IsAskedByAChildThatWasForkedWhileAThreadWaitedForAnAnswer) {
  start();
  EXPECT_EQ(configurations(kForward).size(), 3U);
  std::thread waiting([&] { EXPECT_TRUE(configurations(kHangs).empty()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(configurations(kData).size() == 3 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  waiting.join();
  EXPECT_EQ(configurations(kFilter).size(), 3U);
}

TEST_F(RealDnn, IsAskedAgainForWhatIsNoLongerKept) {
  start();
  DnnConnection forgetful(folder_->path(), 1000);
  const auto times_made = [&](int operation) {
    const auto answer = asked_answer_of(*heuristics_for(operation), null::kHeuristicsResults, forgetful);
    return answer->parts[0]->part(null::kConfigurationEngine)->integer(null::kEngineIndex);
  };
  EXPECT_EQ(times_made(kForward), 1);
  EXPECT_EQ(times_made(kData), 2);
  EXPECT_EQ(times_made(kForward), 1);  // both fit
  for (int operation = 100; operation < 110; ++operation) times_made(operation);
  EXPECT_EQ(times_made(kForward), 13);
}

TEST_F(RealDnn, ListensToThisUserAlone) {
  start();
  struct stat socket{};
  ASSERT_EQ(stat((folder_->path() + "/dnn").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777, 0600U);
}

}  // namespace
}  // namespace unfrag::rehearsal
