#include "replay/read_program.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "replay/initial_state.h"
#include "replay/pool_finder.h"
#include "replay/reservation_base.h"

namespace unfrag::replay {
namespace {

using trace::Action;

bool is_loss(Action action) { return action == Action::kSegmentFree || action == Action::kSegmentUnmap; }
bool is_gain(Action action) { return action == Action::kSegmentAlloc || action == Action::kSegmentMap; }
bool is_request(Action action) { return action == Action::kAlloc || action == Action::kOom; }

/// What comes before the next request or free.
struct Ahead {
  uint32_t end = 0;                   ///< The request, or what is no part of one.
  bool request = false;               ///< `end` is one.
  std::optional<uint32_t> release{};  ///< The first entry that gives memory back.
};

class Reader {
 public:
  Reader(const trace::Trace& trace, const trace::Device& device, const History& history, const Conditions& conditions,
         PoolFinder& pools, Want want)
      : trace_(trace),
        device_(device),
        history_(history),
        pools_(pools),
        want_(want),
        runner_(begin(conditions), conditions, &log_),
        bases_(trace, device) {
    runner_.complete_in_order_of([this](uint32_t life) { return completion_of(history_, life); });
    runner_.device().on_reserve([this](const alloc::Owner& owner) -> std::optional<uint64_t> {
      if (reading_.divergence) return std::nullopt;
      return bases_.find(owner, runner_.device());
    });
    note_initial_sizes();
    reserved_ = runner_.policy().statistics().reserved.current;
    requested_ = runner_.policy().statistics().requested.current;
  }

  Reading run() {
    while (cursor_ < device_.event_count) {
      free_what_was_lost();
      apply_changes();
      switch (action(cursor_)) {
        case Action::kFreeRequested: read_free(); break;
        case Action::kFreeCompleted: read_completion(); break;
        case Action::kSegmentFree:
        case Action::kSegmentUnmap: read_release(); break;
        case Action::kAlloc:
        case Action::kOom:
        case Action::kSegmentAlloc:
        case Action::kSegmentMap: read_request(); break;
        default: advance(cursor_ + 1); break;
      }
    }
    if (!reading_.divergence) compare_final_state();
    reading_.program.entries = device_.event_count;
    reading_.statistics = runner_.policy().statistics();
    reading_.pools_inferred = pools_.blamed();
    return std::move(reading_);
  }

  /// Memory that may be another pool's, by the request that the two answered differently.
  [[nodiscard]] const std::vector<uint32_t>& suspects() const { return suspects_; }
  [[nodiscard]] bool too_many_places() const { return too_many_places_; }

 private:
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }
  [[nodiscard]] Action action(uint32_t entry) const { return trace_.events.action[row(entry)]; }
  [[nodiscard]] uint64_t addr(uint32_t entry) const { return trace_.events.addr[row(entry)]; }
  [[nodiscard]] uint64_t size(uint32_t entry) const { return trace_.events.size[row(entry)]; }
  [[nodiscard]] const alloc::CachingPolicy& policy() const { return runner_.policy(); }

  // The part of the program that is known before the first entry.
  Program& begin(const Conditions& conditions) {
    Program& program = reading_.program;
    program.pools = pools_.pools();
    program.initial = find_initial_state(trace_, device_, history_, pools_, conditions.settings.large_segment_size,
                                         reading_.sizes_guessed);
    std::ranges::copy_if(trace_.changes, std::back_inserter(program.changes),
                         [&](const trace::Change& change) { return change.device == device_.index; });
    next_refused_ = static_cast<uint32_t>(history_.lives.size());
    program.lives = next_refused_ + static_cast<uint32_t>(history_.oom_entries.size());
    if (want_ == Want::kProgram) program.ops.reserve(device_.event_count / 2 + 1);
    if (want_ == Want::kSizes) reading_.size_of_life.resize(program.lives);
    return program;
  }

  void note_initial_sizes() {
    for (const InitialRun& run : reading_.program.initial) {
      for (const InitialBlock& block : run.blocks) note_size(block.life);
    }
  }
  void note_size(uint32_t life) {
    if (want_ != Want::kSizes) return;
    const alloc::BlockId block = runner_.block_of(life);
    if (!block.is_none()) reading_.size_of_life[life] = policy().block(block).size;
  }

  // ---- Reading ----

  void free_what_was_lost() {
    while (next_lost_ < history_.lost_frees.size() && history_.lost_frees[next_lost_].first <= cursor_) {
      log_.entries.clear();
      step({.life = history_.lost_frees[next_lost_++].second, .entry = cursor_, .kind = OpKind::kFree});
      log_.entries.clear();
    }
  }

  void apply_changes() {
    std::vector<trace::Change>& changes = reading_.program.changes;
    for (; next_change_ < changes.size() && changes[next_change_].entry <= cursor_; ++next_change_) {
      step({.life = next_change_, .entry = cursor_, .kind = OpKind::kChange});
    }
  }
  /// Before it the program did something that has no entry.
  [[nodiscard]] bool is_changed(uint32_t entry) const {
    const std::vector<trace::Change>& changes = reading_.program.changes;
    return next_change_ < changes.size() && entry >= changes[next_change_].entry;
  }

  void read_free() {
    const uint32_t life = history_.life_of_entry[cursor_];
    if (life == kNoLife) return advance(cursor_ + 1);
    const Life& it = history_.lives[life];
    const bool one_entry = it.free_completed == cursor_;
    const uint32_t next = next_of_interest(cursor_ + 1);
    const bool at_once = one_entry || (next < device_.event_count && it.free_completed == next);
    step({.life = life, .entry = cursor_, .kind = at_once ? OpKind::kFree : OpKind::kFreeLater});
    compare(!one_entry && at_once ? next + 1 : cursor_ + 1);
  }

  // A block that waited for other streams is done. Where a release follows, waiting for them may have been part of it,
  // unless what gave memory back would have done so before.
  void read_completion() {
    const Ahead& ahead = look_ahead();
    if (ahead.release || (ahead.request && action(ahead.end) == Action::kOom)) {
      if (ahead.request && released_by_request(ahead) && predict(ahead.end) == alloc::Prediction::kReleases &&
          !releases_one_large(ahead)) {
        return read_request();
      }
      if (ahead.release && release_has_own_stack(ahead)) return read_release();
    }
    const uint32_t life = history_.life_of_entry[cursor_];
    if (life == kNoLife) return advance(cursor_ + 1);
    const bool only_entry = history_.lives[life].free_requested == cursor_;
    step({.life = life, .entry = cursor_, .kind = only_entry ? OpKind::kFree : OpKind::kComplete});
    compare(cursor_ + 1);
  }

  // Under max_split_size_mb one large block may go alone, without a wait: then what completes had done so before. A
  // release of all that is cached would have given back the rest, too.
  [[nodiscard]] bool releases_one_large(const Ahead& ahead) const {
    if (!ahead.release || size(*ahead.release) < policy().config().settings.max_split_size.value()) return false;
    const auto is_another = [&](uint32_t entry) { return entry != *ahead.release && is_loss(action(entry)); };
    for (uint32_t i = cursor_; i < ahead.end; ++i) {
      if (is_another(i)) return false;
    }
    return policy().could_release();
  }

  void read_release() {
    const Ahead& ahead = look_ahead();
    if (ahead.request && released_by_request(ahead)) return read_request();
    if (!release_has_own_stack(ahead)) ++reading_.releases_read;
    const uint32_t first = *ahead.release;
    const uint32_t pool = pools_.pool_at(addr(first));
    if (pool != 0) {
      step({.entry = cursor_, .place = place({.pool = alloc::PoolIdx(pool)}), .kind = OpKind::kReleasePool});
    } else {
      retire_released_pools(ahead);
      if (last_op_ != OpKind::kEmptyCache) step({.entry = cursor_, .kind = OpKind::kEmptyCache});
    }
    // What it gave back says how much of what lies ahead was its doing.
    uint32_t end = cursor_;
    for (size_t n = produced(); n > 0 && end < ahead.end; --n) end = next_of_interest(end) + 1;
    compare(std::max(std::min(end, ahead.end), cursor_ + 1));
  }

  void read_request() {
    const Ahead ahead = look_ahead();
    if (!ahead.request) return advance_unexplained(ahead);
    if (ahead.release) retire_released_pools(ahead);
    if (!reading_.divergence) suggest_addresses(ahead.end);
    bases_.begin_request(cursor_, runner_.device());
    play_segments(ahead.end);
    const bool refused = action(ahead.end) == Action::kOom;
    const uint32_t life = refused ? next_refused_++ : history_.life_of_entry[ahead.end];
    const uint32_t pool = pools_.pool_of(row(ahead.end), refused ? 0 : addr(ahead.end));
    const Op op{.bytes = size(ahead.end),
                .life = life,
                .entry = ahead.end,
                .place = place({.stream = trace_.context_of(row(ahead.end)).stream,
                                .pool = alloc::PoolIdx(pool),
                                .scope = scope_of(pool)}),
                .kind = OpKind::kAllocate,
                .was_refused = refused};
    if (op.bytes == 0) return advance(ahead.end + 1);  // never reaches the allocator: the file is made up
    step(op);
    if (!reading_.divergence) note_size(life);
    compare(ahead.end + 1);
  }

  // Entries about segments that no request follows: what comes next cannot explain them.
  void advance_unexplained(const Ahead& ahead) {
    log_.entries.clear();
    if (seen_any(cursor_, ahead.end)) diverge(cursor_, nullptr);
    advance(std::max(ahead.end, cursor_ + 1));
  }
  [[nodiscard]] bool seen_any(uint32_t from, uint32_t to) const {
    for (uint32_t i = from; i < to; ++i) {
      if (is_gain(action(i)) || is_loss(action(i))) return true;
    }
    return false;
  }

  [[nodiscard]] alloc::Scope scope_of(uint32_t pool) const {
    if (pool == 0) return alloc::Scope::kNone;
    return reading_.program.pools[pool].first != 0 ? alloc::Scope::kCapture : alloc::Scope::kMemPool;
  }

  uint16_t place(const Place& place) {
    std::vector<Place>& places = reading_.program.places;
    if (last_place_ < places.size() && places[last_place_] == place) return static_cast<uint16_t>(last_place_);
    last_place_ = static_cast<size_t>(std::ranges::find(places, place) - places.begin());
    if (last_place_ == places.size()) places.push_back(place);
    too_many_places_ = too_many_places_ || places.size() > kMostPlaces;
    return static_cast<uint16_t>(last_place_);
  }

  // What the file says of segments reaches the pool finder only when the policy has had its say.
  void play_segments(uint32_t end) {
    for (; played_ < end; ++played_) {
      if (is_gain(action(played_)) || is_loss(action(played_))) pools_.play(played_);
    }
  }

  const Ahead& look_ahead() {
    if (cursor_ < ahead_from_ || cursor_ >= ahead_.end) {
      ahead_from_ = cursor_;
      ahead_ = {.end = cursor_};
      for (; ahead_.end < device_.event_count; ++ahead_.end) {
        const Action at = action(ahead_.end);
        if (is_request(at) || at == Action::kFreeRequested || is_changed(ahead_.end)) break;
        if (is_loss(at) && !ahead_.release) ahead_.release = ahead_.end;
      }
      ahead_.request = ahead_.end < device_.event_count && is_request(action(ahead_.end)) && !is_changed(ahead_.end);
    }
    while (ahead_.release && (*ahead_.release < cursor_ || !is_loss(action(*ahead_.release)))) {
      const uint32_t next = *ahead_.release + 1;
      ahead_.release = next < ahead_.end ? std::optional(next) : std::nullopt;
    }
    return ahead_;
  }

  [[nodiscard]] uint32_t next_of_interest(uint32_t entry) const {
    while (entry < device_.event_count && action(entry) >= Action::kSnapshot) ++entry;
    return entry;
  }

  // The entries of a request that gives memory back carry its stack; without stacks the policy tells what it would do.
  bool released_by_request(const Ahead& ahead) {
    if (ahead.release && release_has_own_stack(ahead)) return false;
    const auto would = predict(ahead.end);
    return would == alloc::Prediction::kReleases || would == alloc::Prediction::kReleasesFirst;
  }
  /// Nothing where the file is made up.
  [[nodiscard]] std::optional<alloc::Prediction> predict(uint32_t request) {
    const bool refused = action(request) == Action::kOom;
    const uint32_t pool = pools_.pool_of(row(request), refused ? 0 : addr(request));
    if (pool >= reading_.program.pools.size() || size(request) == 0) return std::nullopt;
    return policy().predict(Bytes(size(request)), trace_.context_of(row(request)).stream, alloc::PoolIdx(pool));
  }
  [[nodiscard]] bool release_has_own_stack(const Ahead& ahead) const {
    const trace::StackIdx release = trace_.events.stack[row(*ahead.release)];
    if (release == trace::kEmptyStack) return false;
    return !ahead.request || release != trace_.events.stack[row(ahead.end)];
  }

  // Private pools give memory back only when nobody uses them any more.
  void retire_released_pools(const Ahead& ahead) {
    for (uint32_t i = std::max(*ahead.release, looked_for_pools_); i < ahead.end; ++i) {
      if (!is_loss(action(i))) continue;
      const uint32_t pool = pools_.pool_at(addr(i));
      if (pool == 0) continue;
      retired_.resize(reading_.program.pools.size());
      if (retired_[pool]) continue;
      retired_[pool] = true;
      step({.entry = cursor_, .place = place({.pool = alloc::PoolIdx(pool)}), .kind = OpKind::kRetirePool});
    }
    looked_for_pools_ = ahead.end;
  }

  void suggest_addresses(uint32_t end) {
    std::vector<uint64_t> plain;
    for (uint32_t i = end; i-- > cursor_;) {
      if (action(i) == Action::kSegmentAlloc) plain.push_back(addr(i));
    }
    runner_.device().suggest(std::move(plain));
  }

  // ---- Comparing ----

  void step(const Op& op) {
    if (want_ == Want::kProgram) reading_.program.ops.push_back(op);
    last_op_ = op.kind;
    runner_.step(op);
  }

  [[nodiscard]] size_t produced() const {
    return static_cast<size_t>(std::ranges::count_if(log_.entries, [&](const LogEntry& e) { return was_recorded(e); }));
  }
  /// A recording can be told to leave out kinds of entries: then a replay's are no difference.
  [[nodiscard]] bool was_recorded(const LogEntry& entry) const {
    if (entry.action == Action::kFreeRequested) return history_.free_entries.requested;
    return entry.action != Action::kFreeCompleted || history_.free_entries.completed;
  }

  // What has been produced is what the entries from the cursor to `end` say; goes on at `end`.
  void compare(uint32_t end) {
    if (!reading_.divergence) {
      uint32_t entry = next_of_interest(cursor_);
      for (const LogEntry& mine : log_.entries) {
        if (!was_recorded(mine)) continue;
        if (entry >= end || !same(mine, entry)) {
          diverge(std::min(entry, end), &mine);
          break;
        }
        entry = next_of_interest(entry + 1);
      }
      if (!reading_.divergence && entry < end) diverge(entry, nullptr);
    }
    log_.entries.clear();
    advance(end);
  }

  [[nodiscard]] bool same(const LogEntry& mine, uint32_t entry) const {
    if (mine.action != action(entry) || mine.size != size(entry)) return false;
    if (mine.action == Action::kOom) return true;
    return mine.addr == addr(entry);
  }

  void diverge(uint32_t entry, const LogEntry* mine) {
    Divergence& divergence = reading_.divergence.emplace();
    divergence.entry = entry;
    if (entry < device_.event_count) divergence.recorded = {action(entry), addr(entry), size(entry)};
    if (mine != nullptr) divergence.replayed = {mine->action, mine->addr, mine->size};
    account(entry);
    divergence.recorded_reserved = reserved_;
    divergence.recorded_requested = requested_;
    divergence.replayed_reserved = policy().statistics().reserved.current;
    divergence.replayed_requested = policy().statistics().requested.current;
    if (!log_.entries.empty() && log_.entries.back().action == Action::kAlloc) {
      const uint32_t request = look_ahead().end;
      if (request < device_.event_count && action(request) == Action::kAlloc) {
        suspects_ = pools_.suspects(log_.entries.back().addr, addr(request));
      }
    }
  }

  // What the recording says is reserved and requested, for the report of a difference.
  void account(uint32_t end) {
    for (; accounted_ < end; ++accounted_) {
      const Bytes bytes(size(accounted_));
      switch (action(accounted_)) {
        case Action::kSegmentAlloc:
        case Action::kSegmentMap: reserved_ += bytes; break;
        case Action::kSegmentFree:
        case Action::kSegmentUnmap: reserved_ -= bytes; break;
        case Action::kAlloc: requested_ += bytes; break;
        case Action::kFreeCompleted: requested_ -= bytes; break;
        default: break;
      }
    }
  }

  void advance(uint32_t to) {
    play_segments(to);
    cursor_ = to;
  }

  // The blocks in use at the end are the recording's, each as large.
  void compare_final_state() {
    if (history_.contradictions > 0 || device_.segment_count == 0 || trace_.truncated) return;
    for (uint32_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      if (life.free_completed != kNever) continue;
      const alloc::BlockId id = runner_.block_of(i);
      const uint64_t size = id.is_none() ? 0 : policy().block(id).size;
      if (size == life.size) continue;
      const LogEntry mine{.action = Action::kAlloc, .addr = life.addr, .size = size};
      diverge(device_.event_count, &mine);
      reading_.divergence->recorded = {Action::kAlloc, life.addr, life.size};
      return;
    }
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  PoolFinder& pools_;
  const Want want_;
  Reading reading_;
  Log log_;
  uint32_t next_refused_ = 0;
  Runner runner_;
  ReservationBases bases_;
  std::optional<OpKind> last_op_;
  uint32_t cursor_ = 0;
  uint32_t next_change_ = 0;
  uint32_t played_ = 0;
  Ahead ahead_;
  uint32_t ahead_from_ = UINT32_MAX;
  size_t next_lost_ = 0;
  size_t last_place_ = 0;
  std::vector<bool> retired_;
  uint32_t looked_for_pools_ = 0;
  bool too_many_places_ = false;
  uint32_t accounted_ = 0;
  Bytes reserved_;
  Bytes requested_;
  std::vector<uint32_t> suspects_;
};

/// How far a reading agrees.
uint32_t agreement(const Reading& reading) { return reading.divergence ? reading.divergence->entry : UINT32_MAX; }

}  // namespace

Result<Reading> read_program(const trace::Trace& trace, const trace::Device& device, const History& history,
                             const Conditions& conditions, Want want) {
  // Each contradiction resolved costs another pass: in small recordings any number, in large ones a few.
  constexpr int kMostTries = 64;
  constexpr uint64_t kMostEntries = 32'000'000;
  PoolFinder pools(trace, device, history);
  if (pools.pools().size() > kMostPlaces) {
    return Error{ErrorKind::kBadInput, "", "the recording has more pools than a program uses", "another file"};
  }
  std::optional<Reading> best;
  std::vector<uint32_t> suspects;
  std::optional<uint32_t> blamed;
  uint64_t entries = 0;
  for (int tries = 0; tries < kMostTries && entries < kMostEntries; ++tries) {
    entries += device.event_count;
    pools.rewind();
    Reader reader(trace, device, history, conditions, pools, want);
    Reading reading = reader.run();
    if (reader.too_many_places()) {
      return Error{ErrorKind::kBadInput, "", "the recording has more streams than a program uses", "another file"};
    }
    if (!best || agreement(reading) > agreement(*best)) {
      best = std::move(reading);
      suspects = reader.suspects();
    } else {
      pools.acquit(*blamed);
    }
    const auto next = std::ranges::find_if(suspects, [&](uint32_t suspect) { return pools.blame(suspect); });
    if (next == suspects.end()) break;
    blamed = *next;
  }
  return std::move(*best);
}

}  // namespace unfrag::replay
