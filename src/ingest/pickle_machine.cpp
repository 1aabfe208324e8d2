#include "ingest/pickle_machine.h"

#include <bit>
#include <charconv>
#include <cstdio>
#include <span>
#include <vector>

#include "base/chunked.h"
#include "base/text.h"
#include "ingest/event_parser.h"
#include "ingest/pickle_globals.h"
#include "ingest/pickle_ops.h"
#include "ingest/pickle_text.h"

namespace unfrag::ingest {
namespace {

// CPython writes list items in batches of this many: a full batch may not be the last.
constexpr size_t kBatch = 1000;
constexpr size_t kLongestNumber = 32;  // bytes of a text or LONG integer that can still fit 64 bits

using namespace op;  // NOLINT(google-build-using-namespace): the opcodes are the vocabulary of this file

double load_big_endian_double(const unsigned char* at) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | at[i];
  return std::bit_cast<double>(bits);
}

bool is_fresh(Value value) { return value.kind() == Kind::kFreshList || value.kind() == Kind::kFreshDict; }

ObjectKind kind_of(Value fresh) { return fresh.kind() == Kind::kFreshList ? ObjectKind::kList : ObjectKind::kDict; }

class Machine {
 public:
  Machine(ByteWindow& window, NodeStore& store, bool short_cuts)
      : window_(window), store_(store), events_(store, memo_), short_cuts_(short_cuts) {}

  Result<Parsed> run();

 private:
  enum class Step { kGo, kStopped, kDamaged, kRefused };

  Step execute();
  Step execute_rare(unsigned char op);
  Step execute_text(unsigned char op);

  // Damage and refusal: both say why and end the run.
  Step damaged(std::string why) {
    why_ = std::move(why);
    return Step::kDamaged;
  }
  Step refused(std::string what);

  // Stack.
  [[nodiscard]] size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  [[nodiscard]] bool has(size_t count) const { return stack_.size() - floor() >= count; }
  void push(Value value) { stack_.push_back(value); }
  std::span<const Value> from(size_t at) const { return {stack_.data() + at, stack_.size() - at}; }
  /// Pops the mark and returns where its items begin; false without one.
  bool pop_mark(size_t& at);

  // Memo and fresh containers.
  Step put(uint64_t index);
  Step get(uint64_t index);
  Value materialise(size_t at);
  void replace(size_t at, Value value);

  // Containers.
  Step append_from(size_t at);
  Step set_from(size_t at);
  Step make_tuple(size_t at);
  Step reduce();
  Value build_dict(Value arguments);
  Step push_global(std::string_view module, std::string_view name);

  // Arguments.
  Step push_text(uint64_t length);
  Step skip_bytes(uint64_t length);
  Step push_long(uint64_t length);
  bool read_line();

  // After damage.
  Value close_open();
  void fold(size_t at);
  void fold_top(size_t at);
  void drop_open_record(size_t at);

  ByteWindow& window_;
  NodeStore& store_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;  // each the height of the stack when it was set
  Chunked<Value> memo_;
  EventParser events_;
  const bool short_cuts_;
  uint64_t copied_ = 0;
  std::string scratch_;
  std::string why_;
};

Result<Parsed> Machine::run() {
  Step step = Step::kGo;
  while (step == Step::kGo) {
    if (!window_.fill(ByteWindow::kPad)) return *window_.error();
    if (window_.left() == 0) {
      step = damaged("the pickle ends before its STOP");
      break;
    }
    step = execute();
    if (window_.error()) return *window_.error();
  }
  if (step == Step::kRefused) {
    return Error{ErrorKind::kBadInput, "byte " + std::to_string(window_.offset()), why_,
                 "do not open this file with pickle; record a snapshot with torch.cuda.memory._dump_snapshot"};
  }
  Parsed parsed{.root = {}, .damage = why_, .offset = window_.offset()};
  if (step == Step::kStopped) {
    parsed.root = store_.seal(stack_.back());
  } else {
    parsed.root = close_open();
  }
  return parsed;
}

// Executes opcodes from the window while a whole one with fixed arguments surely lies in it. `p` is kept in a
// register; the window learns of it before anything else may look.
Machine::Step Machine::execute() {
  const unsigned char* p = window_.at();
  const unsigned char* const end = window_.end();
  // Near the end of the source fewer than kPad bytes are left: then one opcode at a time, checked afterwards.
  const bool last_bytes = window_.left() < ByteWindow::kPad;
  const auto whole = [&](size_t argument) { return static_cast<size_t>(end - p) >= argument; };
  do {
    const unsigned char op = *p++;
    switch (op) {
      case kBinGet:
        if (!whole(1)) return damaged("the pickle ends inside an opcode");
        window_.move_to(p + 1);
        if (*p < memo_.size() && !is_fresh(memo_[*p])) {
          push(memo_[*p]);
        } else if (const Step step = get(*p); step != Step::kGo) {
          return step;
        }
        p += 1;
        break;
      case kLongBinGet: {
        if (!whole(4)) return damaged("the pickle ends inside an opcode");
        const auto index = load<uint32_t>(p);
        window_.move_to(p + 4);
        if (index < memo_.size() && !is_fresh(memo_[index])) {
          push(memo_[index]);
        } else if (const Step step = get(index); step != Step::kGo) {
          return step;
        }
        p += 4;
        break;
      }
      case kMark: marks_.push_back(stack_.size()); break;
      case kEmptyDict:
        if (Value event; const unsigned char* const behind = short_cuts_ ? events_.parse(p, end, event) : nullptr) {
          push(event);
          p = behind;
        } else {
          push(Value(Kind::kFreshDict, 0));
        }
        break;
      case kEmptyList: push(Value(Kind::kFreshList, 0)); break;
      case kMemoize:
        window_.move_to(p);
        if (const Step step = put(memo_.size()); step != Step::kGo) return step;
        break;
      case kBinInt1:
        if (!whole(1)) return damaged("the pickle ends inside an opcode");
        push(Value(Kind::kInt, *p));
        p += 1;
        break;
      case kBinInt2:
        if (!whole(2)) return damaged("the pickle ends inside an opcode");
        push(Value(Kind::kInt, load<uint16_t>(p)));
        p += 2;
        break;
      case kBinInt:
        if (!whole(4)) return damaged("the pickle ends inside an opcode");
        push(store_.integer(static_cast<int32_t>(load<uint32_t>(p))));
        p += 4;
        break;
      case kLong1: {
        const size_t length = *p;
        if (length > 8 || !whole(1 + length)) {
          window_.move_to(p);
          return execute_rare(op);
        }
        push(store_.integer(load_long(p + 1, length)));
        p += 1 + length;
        break;
      }
      case kSetItems: {
        window_.move_to(p);
        size_t at = 0;
        if (!pop_mark(at)) return damaged("SETITEMS without a MARK");
        if (const Step step = set_from(at); step != Step::kGo) return step;
        break;
      }
      case kAppends: {
        window_.move_to(p);
        size_t at = 0;
        if (!pop_mark(at)) return damaged("APPENDS without a MARK");
        if (const Step step = append_from(at); step != Step::kGo) return step;
        break;
      }
      case kTuple2:
        window_.move_to(p);
        if (!has(2)) return damaged("TUPLE2 without two items");
        if (const Step step = make_tuple(stack_.size() - 2); step != Step::kGo) return step;
        break;
      case kShortBinUnicode:
        if (!whole(1) || !whole(1 + size_t{*p})) {
          window_.move_to(p);
          return execute_rare(op);
        }
        push(store_.text({reinterpret_cast<const char*>(p + 1), *p}));
        p += 1 + size_t{*p};
        break;
      default:
        window_.move_to(p);
        if (const Step step = execute_rare(op); step != Step::kGo) return step;
        return Step::kGo;  // it may have moved the window
    }
  } while (!last_bytes && end - p >= static_cast<ptrdiff_t>(ByteWindow::kPad));
  window_.move_to(p);
  return Step::kGo;
}

Machine::Step Machine::execute_rare(unsigned char op) {
  const auto whole = [&](size_t argument) { return window_.fill(argument) && window_.left() >= argument; };
  const auto argument = [&]<class T>(T) {
    const T value = load<T>(window_.at());
    window_.move_to(window_.at() + sizeof(T));
    return value;
  };
  const auto cut = [&] { return damaged("the pickle ends inside an opcode"); };
  size_t at = 0;
  switch (op) {
    case kProto: return whole(1) ? (argument(uint8_t{}), Step::kGo) : cut();
    case kFrame: return whole(8) ? (argument(uint64_t{}), Step::kGo) : cut();
    case kStop: return stack_.empty() ? damaged("STOP with nothing to return") : Step::kStopped;
    case kNone: push({}); return Step::kGo;
    case kNewTrue: push(Value(Kind::kBool, 1)); return Step::kGo;
    case kNewFalse: push(Value(Kind::kBool, 0)); return Step::kGo;
    case kBinFloat:
      if (!whole(8)) return cut();
      push(store_.real(load_big_endian_double(window_.at())));
      window_.move_to(window_.at() + 8);
      return Step::kGo;
    case kLong1: return whole(1) ? push_long(argument(uint8_t{})) : cut();
    case kLong4: return whole(4) ? push_long(argument(uint32_t{})) : cut();
    case kShortBinUnicode:
    case kShortBinString: return whole(1) ? push_text(argument(uint8_t{})) : cut();
    case kBinUnicode:
    case kBinString: return whole(4) ? push_text(argument(uint32_t{})) : cut();
    case kBinUnicode8: return whole(8) ? push_text(argument(uint64_t{})) : cut();
    case kShortBinBytes: return whole(1) ? skip_bytes(argument(uint8_t{})) : cut();
    case kBinBytes: return whole(4) ? skip_bytes(argument(uint32_t{})) : cut();
    case kBinBytes8:
    case kByteArray8: return whole(8) ? skip_bytes(argument(uint64_t{})) : cut();
    case kBinPut: return whole(1) ? put(argument(uint8_t{})) : cut();
    case kLongBinPut: return whole(4) ? put(argument(uint32_t{})) : cut();
    case kDup:
      if (!has(1)) return damaged("DUP with nothing to copy");
      push(materialise(stack_.size() - 1));
      return Step::kGo;
    case kPop:
      if (has(1))
        stack_.pop_back();
      else if (!pop_mark(at))
        return damaged("POP with nothing to drop");
      return Step::kGo;
    case kPopMark:
      if (!pop_mark(at)) return damaged("POP_MARK without a MARK");
      stack_.resize(at);
      return Step::kGo;
    case kAppend: return has(2) ? append_from(stack_.size() - 1) : damaged("APPEND without a list and an item");
    case kSetItem: return has(3) ? set_from(stack_.size() - 2) : damaged("SETITEM without a dict, a key and a value");
    case kEmptyTuple: return make_tuple(stack_.size());
    case kTuple1: return has(1) ? make_tuple(stack_.size() - 1) : damaged("TUPLE1 without an item");
    case kTuple3: return has(3) ? make_tuple(stack_.size() - 3) : damaged("TUPLE3 without three items");
    case kTuple: return pop_mark(at) ? make_tuple(at) : damaged("TUPLE without a MARK");
    case kEmptySet: push(Value(Kind::kFreshList, 0)); return Step::kGo;
    case kAddItems: return pop_mark(at) ? append_from(at) : damaged("ADDITEMS without a MARK");
    case kList:
    case kFrozenSet:
    case kDict: {
      if (!pop_mark(at)) return damaged("LIST, DICT or FROZENSET without a MARK");
      stack_.insert(stack_.begin() + static_cast<ptrdiff_t>(at),
                    Value(op == kDict ? Kind::kFreshDict : Kind::kFreshList, 0));
      return op == kDict ? set_from(at + 1) : append_from(at + 1);
    }
    case kReduce:
    case kNewObj: return reduce();
    case kStackGlobal: {
      if (!has(2)) return damaged("STACK_GLOBAL without two names");
      const auto name = NodeStore::to_text(stack_.back());
      const auto module = NodeStore::to_text(stack_[stack_.size() - 2]);
      if (!name || !module) return damaged("STACK_GLOBAL without two names");
      stack_.resize(stack_.size() - 2);
      const auto& strings = store_.builder().trace.strings;
      return push_global(strings[*module], strings[*name]);
    }
    case kBuild: return refused("the pickle sets the state of an object (BUILD), which a snapshot never does");
    case kObj:
    case kInst:
    case kNewObjEx: return refused("the pickle makes an object of a class, which a snapshot never does");
    case kPersId:
    case kBinPersId: return refused("the pickle refers to an object outside it (a torch.save file with tensors?)");
    case kExt1:
    case kExt2:
    case kExt4: return refused("the pickle uses a registered extension, which a snapshot never does");
    case kNextBuffer:
    case kReadonlyBuffer: return refused("the pickle refers to a buffer outside it, which a snapshot never does");
    default: return execute_text(op);
  }
}

// Protocol 0: arguments are lines of text.
Machine::Step Machine::execute_text(unsigned char op) {
  switch (op) {
    case kFloat:
    case kInt:
    case kLong:
    case kString:
    case kUnicode:
    case kGet:
    case kPut:
    case kGlobal: break;
    default: {
      char name[8];
      std::snprintf(name, sizeof name, "0x%02x", op);
      return damaged(std::string("unknown opcode ") + name);
    }
  }
  if (!read_line()) return damaged("the pickle ends inside a line, or the line is too long");
  switch (op) {
    case kGlobal: {
      const std::string module = scratch_;
      if (!read_line()) return damaged("the pickle ends inside a line, or the line is too long");
      return push_global(module, scratch_);
    }
    case kString: push(store_.text(decode_string_line(scratch_))); return Step::kGo;
    case kUnicode: push(store_.text(decode_unicode_line(scratch_))); return Step::kGo;
    case kGet:
    case kPut: {
      uint64_t index = 0;
      const auto [last, error] = std::from_chars(scratch_.data(), scratch_.data() + scratch_.size(), index);
      if (error != std::errc() || last != scratch_.data() + scratch_.size())
        return damaged("a memo index is no number");
      return op == kGet ? get(index) : put(index);
    }
    default: break;
  }
  const NumberLine number = decode_number_line(scratch_, op == kInt);
  switch (number.kind) {
    case NumberLine::kBad: return damaged("a number is no number");
    case NumberLine::kBool: push(Value(Kind::kBool, number.integer_value != 0 ? 1 : 0)); break;
    case NumberLine::kSigned: push(store_.integer(number.integer_value)); break;
    case NumberLine::kUnsigned: push(store_.integer_unsigned(number.unsigned_value)); break;
    case NumberLine::kReal: push(store_.real(number.real_value)); break;
    case NumberLine::kHuge: push(Value(Kind::kUnreadable, 0)); break;
  }
  return Step::kGo;
}

Machine::Step Machine::refused(std::string what) {
  why_ = std::move(what);
  return Step::kRefused;
}

bool Machine::pop_mark(size_t& at) {
  if (marks_.empty()) return false;
  at = marks_.back();
  marks_.pop_back();
  return true;
}

// A fresh container has no storage: the stack slot knows its memo entry and the memo entry its stack slot, until it
// is recognised (most are) or somebody else needs a name for it.
Machine::Step Machine::put(uint64_t index) {
  if (!has(1)) return damaged("nothing to put in the memo");
  if (index > window_.offset()) return damaged("a memo index is out of range");
  if (index < memo_.size()) events_.memo_changed();
  while (memo_.size() <= index) memo_.push_back({});
  Value& top = stack_.back();
  if (is_fresh(top) && top.payload() != 0) materialise(stack_.size() - 1);
  if (is_fresh(top)) {
    memo_[index] = Value(top.kind(), stack_.size() - 1);
    top = Value(top.kind(), index + 1);
  } else {
    memo_[index] = top;
  }
  return Step::kGo;
}

Machine::Step Machine::get(uint64_t index) {
  if (index >= memo_.size()) return damaged("the memo has no such entry");
  const Value entry = memo_[index];
  if (!is_fresh(entry)) {
    push(entry);
    return Step::kGo;
  }
  const uint64_t at = entry.payload();
  if (at < stack_.size() && stack_[at] == Value(entry.kind(), index + 1)) {
    push(materialise(at));
  } else {  // it was taken by another container while empty, and stays so there
    memo_[index] = store_.new_object(kind_of(entry));
    push(memo_[index]);
  }
  return Step::kGo;
}

/// Gives the value at `at` storage if it is fresh.
Value Machine::materialise(size_t at) {
  const Value value = stack_[at];
  if (is_fresh(value)) replace(at, store_.new_object(kind_of(value)));
  return stack_[at];
}

/// Puts what a fresh container became in its place, on the stack and in the memo.
void Machine::replace(size_t at, Value value) {
  const Value old = stack_[at];
  if (is_fresh(old) && old.payload() != 0) memo_[old.payload() - 1] = value;
  stack_[at] = value;
}

Machine::Step Machine::append_from(size_t at) {
  if (at == 0 || at - 1 < floor()) return damaged("items without a list to append them to");
  const auto items = from(at);
  if (stack_[at - 1].kind() == Kind::kFreshList && !items.empty()) {
    // One item at a time is how protocol 0 writes lists, and a full batch may have successors: not complete yet.
    if (items.size() > 1 && items.size() < kBatch) {
      replace(at - 1, store_.make_list(items));
      stack_.resize(at);
      return Step::kGo;
    }
    materialise(at - 1);
  }
  if (!items.empty() && !store_.append(stack_[at - 1], items)) {
    if (stack_[at - 1].kind() != Kind::kNone) return damaged("items appended to something that is no list");
  }
  stack_.resize(at);
  return Step::kGo;
}

Machine::Step Machine::set_from(size_t at) {
  if (at == 0 || at - 1 < floor()) return damaged("items without a dict to put them in");
  const auto items = from(at);
  if (items.size() % 2 != 0) return damaged("a key without a value");
  if (stack_[at - 1].kind() == Kind::kFreshDict && !items.empty()) {
    if (items.size() > 2) {
      replace(at - 1, store_.make_dict(items));
      stack_.resize(at);
      return Step::kGo;
    }
    materialise(at - 1);
  }
  if (!items.empty() && !store_.append(stack_[at - 1], items) && stack_[at - 1].kind() != Kind::kNone) {
    return damaged("items put into something that is no dict");
  }
  stack_.resize(at);
  return Step::kGo;
}

Machine::Step Machine::make_tuple(size_t at) {
  if (at < floor()) return damaged("a tuple of items below the MARK");
  const Value tuple = store_.make_list(from(at), ObjectKind::kTuple);
  stack_.resize(at);
  push(tuple);
  return Step::kGo;
}

Machine::Step Machine::push_global(std::string_view module, std::string_view name) {
  if (const auto global = find_global(module, name)) {
    push(Value(Kind::kGlobal, static_cast<uint64_t>(*global)));
    return Step::kGo;
  }
  return refused("the pickle wants to use " + excerpt(module) + "." + excerpt(name) +
                 ", which a snapshot never does; nothing was run");
}

Machine::Step Machine::reduce() {
  if (!has(2) || stack_[stack_.size() - 2].kind() != Kind::kGlobal) return damaged("REDUCE without a constructor");
  const auto global = static_cast<Global>(stack_[stack_.size() - 2].payload());
  const Value arguments = stack_.back();
  stack_.resize(stack_.size() - 2);
  const Object* tuple = store_.object(arguments);
  const Value first = tuple != nullptr && !tuple->items.empty() ? tuple->items.front() : Value();
  switch (global) {
    case Global::kDict:
      // Copies its argument, which can be shared: all copies together may cost what was read, not more.
      if (const Object* pairs = store_.object(first)) copied_ += pairs->items.size();
      if (copied_ > window_.offset()) return damaged("a list of pairs is made into too many dicts");
      push(build_dict(first));
      break;
    case Global::kSequence: push(first.kind() == Kind::kNone ? Value(Kind::kFreshList, 0) : first); break;
    case Global::kFirst: push(first); break;
  }
  return Step::kGo;
}

// dict(), OrderedDict(), defaultdict(factory); and OrderedDict([[key, value], ...]) of Python 2.
Value Machine::build_dict(Value arguments) {
  const Object* pairs = store_.object(arguments);
  if (pairs == nullptr || pairs->kind == ObjectKind::kDict) return {Kind::kFreshDict, 0};
  std::vector<Value> key_values;
  for (const Value item : pairs->items) {
    const Object* pair = store_.object(item);
    if (pair == nullptr || pair->items.size() != 2) continue;
    key_values.insert(key_values.end(), pair->items.begin(), pair->items.end());
  }
  return key_values.empty() ? Value(Kind::kFreshDict, 0) : store_.make_dict(key_values);
}

Machine::Step Machine::push_text(uint64_t length) {
  if (length > kLongestText) return damaged("a string of " + std::to_string(length) + " bytes");
  if (!window_.take(length, scratch_)) return damaged("the pickle ends inside a string");
  push(store_.text(scratch_));
  return Step::kGo;
}

Machine::Step Machine::skip_bytes(uint64_t length) {
  while (length > 0) {
    const uint64_t piece = std::min<uint64_t>(length, ByteWindow::kSize);
    if (!window_.take(piece, scratch_)) return damaged("the pickle ends inside a bytes object");
    length -= piece;
  }
  push(Value(Kind::kUnreadable, 0));
  return Step::kGo;
}

Machine::Step Machine::push_long(uint64_t length) {
  if (length > kLongestNumber) {
    const Step step = skip_bytes(length);  // pushes kUnreadable, which is what it is
    return step;
  }
  if (!window_.take(length, scratch_)) return damaged("the pickle ends inside an integer");
  const LongValue value = decode_long(scratch_);
  if (!value.fits)
    push(Value(Kind::kUnreadable, 0));
  else
    push(value.negative ? store_.integer(static_cast<int64_t>(value.bits)) : store_.integer_unsigned(value.bits));
  return Step::kGo;
}

/// Reads up to the next line feed into scratch_, without it.
bool Machine::read_line() {
  scratch_.clear();
  while (scratch_.size() < kLongestText) {
    if (!window_.fill(1) || window_.left() == 0) return false;
    const auto* const feed = static_cast<const unsigned char*>(std::memchr(window_.at(), '\n', window_.left()));
    const unsigned char* const stop = feed != nullptr ? feed : window_.end();
    scratch_.append(reinterpret_cast<const char*>(window_.at()), static_cast<size_t>(stop - window_.at()));
    window_.move_to(feed != nullptr ? feed + 1 : stop);
    if (feed != nullptr) return true;
  }
  return false;
}

// The text broke off: closes what is open from the inside out, as its writer would have, but drops the record
// (event, block, frame) that was being written, since it is not known how much of it is missing.
Value Machine::close_open() {
  while (!marks_.empty()) {
    const size_t at = marks_.back();
    marks_.pop_back();
    if (at == 0) {
      stack_.clear();
      break;
    }
    const Kind target = stack_[at - 1].kind();
    const Object* object = store_.object(stack_[at - 1]);
    const bool is_dict = target == Kind::kFreshDict || (object != nullptr && object->kind == ObjectKind::kDict);
    if (!is_dict) {
      append_from(at);
      continue;
    }
    // key, value, key, value, then perhaps containers being built inside the last value.
    size_t next = at;
    while (next + 2 < stack_.size() && stack_[next + 2].kind() == Kind::kText) next += 2;
    if (next + 1 < stack_.size()) fold(next + 1);
    if ((stack_.size() - at) % 2 != 0) stack_.pop_back();
    drop_open_record(at);
    set_from(at);
  }
  fold(0);
  return stack_.empty() ? Value() : store_.seal(stack_.front());
}

void Machine::drop_open_record(size_t at) {
  if (store_.looks_like(from(at)) == Kind::kNone) return;
  stack_.resize(at);
  replace(at - 1, {});
}

void Machine::fold(size_t at) {
  while (stack_.size() > at + 1) {
    const size_t height = stack_.size();
    fold_top(at);
    if (stack_.size() >= height) stack_.resize(height - 1);  // it fits nowhere
  }
}

// The top value goes into the list or dict below it, unless it is a record that was still being written.
void Machine::fold_top(size_t at) {
  const size_t top = stack_.size() - 1;
  const Object* object = store_.object(stack_[top]);
  const bool open_record = object != nullptr && object->kind == ObjectKind::kDict && !object->checked &&
                           store_.looks_like(object->items) != Kind::kNone;
  const bool keyed = top >= at + 2 && stack_[top - 1].kind() == Kind::kText;
  const size_t container = keyed ? top - 2 : top - 1;
  const Kind kind = stack_[container].kind();
  if (open_record || (kind != Kind::kObject && !is_fresh(stack_[container]))) return;
  materialise(container);
  if (keyed) {
    set_from(top - 1);
  } else {
    append_from(top);
  }
}

}  // namespace

Result<Parsed> run_pickle(ByteWindow& window, NodeStore& store, bool short_cuts) {
  return Machine(window, store, short_cuts).run();
}

}  // namespace unfrag::ingest
