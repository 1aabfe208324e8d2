#include "ingest/pickle_machine.h"

#include <bit>
#include <charconv>
#include <cstdio>
#include <span>
#include <vector>

#include "base/text.h"
#include "ingest/event_parser.h"
#include "ingest/pickle_globals.h"
#include "ingest/pickle_ops.h"
#include "ingest/pickle_stack.h"
#include "ingest/pickle_text.h"

namespace unfrag::ingest {
namespace {

constexpr size_t kLongestNumber = 32;  // bytes of a text or LONG integer that can still fit 64 bits

using namespace op;  // NOLINT(google-build-using-namespace): the opcodes are the vocabulary of this file

double load_big_endian_double(const unsigned char* at) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | at[i];
  return std::bit_cast<double>(bits);
}

class Machine {
 public:
  Machine(ByteWindow& window, NodeStore& store, bool short_cuts)
      : window_(window), store_(store), stack_(store), events_(store, stack_.memo()), short_cuts_(short_cuts) {}

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

  /// Goes on, unless something is wrong.
  Step step(Damage damage) { return damage == nullptr ? Step::kGo : damaged(damage); }
  Step put(uint64_t index);

  // Constructors.
  Step reduce();
  Value build_dict(Value arguments);
  Step push_global(std::string_view module, std::string_view name);

  // Arguments.
  Step push_text(uint64_t length);
  Step skip_bytes(uint64_t length);
  Step push_long(uint64_t length);
  bool read_line();

  ByteWindow& window_;
  NodeStore& store_;
  PickleStack stack_;
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
                 "a snapshot of your own from torch.cuda.memory._dump_snapshot, and never pickle.load on this one"};
  }
  Parsed parsed{.root = {}, .damage = why_, .offset = window_.offset()};
  if (step == Step::kStopped) {
    parsed.root = store_.seal(stack_.top());
  } else {
    parsed.root = stack_.close_open();
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
        if (const Value known = stack_.memoised(*p); known.kind() != Kind::kNone) {
          stack_.push(known);
        } else if (const Damage damage = stack_.get(*p)) {
          window_.move_to(p + 1);
          return damaged(damage);
        }
        p += 1;
        break;
      case kLongBinGet: {
        if (!whole(4)) return damaged("the pickle ends inside an opcode");
        const auto index = load<uint32_t>(p);
        if (const Value known = stack_.memoised(index); known.kind() != Kind::kNone) {
          stack_.push(known);
        } else if (const Damage damage = stack_.get(index)) {
          window_.move_to(p + 4);
          return damaged(damage);
        }
        p += 4;
        break;
      }
      case kMark: stack_.mark(); break;
      case kEmptyDict:
        if (Value event; const unsigned char* const behind = short_cuts_ ? events_.parse(p, end, event) : nullptr) {
          stack_.push(event);
          p = behind;
        } else {
          stack_.push(Value(Kind::kFreshDict, 0));
        }
        break;
      case kEmptyList: stack_.push(Value(Kind::kFreshList, 0)); break;
      case kMemoize:
        window_.move_to(p);
        if (const Damage damage = stack_.put(stack_.memo().size())) return damaged(damage);
        break;
      case kBinInt1:
        if (!whole(1)) return damaged("the pickle ends inside an opcode");
        stack_.push(Value(Kind::kInt, *p));
        p += 1;
        break;
      case kBinInt2:
        if (!whole(2)) return damaged("the pickle ends inside an opcode");
        stack_.push(Value(Kind::kInt, load<uint16_t>(p)));
        p += 2;
        break;
      case kBinInt:
        if (!whole(4)) return damaged("the pickle ends inside an opcode");
        stack_.push(store_.integer(static_cast<int32_t>(load<uint32_t>(p))));
        p += 4;
        break;
      case kLong1: {
        const size_t length = *p;
        if (length > 8 || !whole(1 + length)) {
          window_.move_to(p);
          return execute_rare(op);
        }
        stack_.push(store_.integer(load_long(p + 1, length)));
        p += 1 + length;
        break;
      }
      case kSetItems: {
        window_.move_to(p);
        size_t at = 0;
        if (!stack_.pop_mark(at)) return damaged("SETITEMS without a MARK");
        if (const Damage damage = stack_.set_from(at)) return damaged(damage);
        break;
      }
      case kAppends: {
        window_.move_to(p);
        size_t at = 0;
        if (!stack_.pop_mark(at)) return damaged("APPENDS without a MARK");
        if (const Damage damage = stack_.append_from(at)) return damaged(damage);
        break;
      }
      case kTuple2:
        window_.move_to(p);
        if (!stack_.has(2)) return damaged("TUPLE2 without two items");
        if (const Damage damage = stack_.make_tuple(stack_.size() - 2)) return damaged(damage);
        break;
      case kShortBinUnicode:
        if (!whole(1) || !whole(1 + size_t{*p})) {
          window_.move_to(p);
          return execute_rare(op);
        }
        stack_.push(store_.text({reinterpret_cast<const char*>(p + 1), *p}));
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
    case kNone: stack_.push({}); return Step::kGo;
    case kNewTrue: stack_.push(Value(Kind::kBool, 1)); return Step::kGo;
    case kNewFalse: stack_.push(Value(Kind::kBool, 0)); return Step::kGo;
    case kBinFloat:
      if (!whole(8)) return cut();
      stack_.push(store_.real(load_big_endian_double(window_.at())));
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
      if (!stack_.has(1)) return damaged("DUP with nothing to copy");
      stack_.duplicate();
      return Step::kGo;
    case kPop:
      if (stack_.has(1))
        stack_.pop();
      else if (!stack_.pop_mark(at))
        return damaged("POP with nothing to drop");
      return Step::kGo;
    case kPopMark:
      if (!stack_.pop_mark(at)) return damaged("POP_MARK without a MARK");
      stack_.drop_from(at);
      return Step::kGo;
    case kAppend:
      return stack_.has(2) ? step(stack_.append_from(stack_.size() - 1)) : damaged("APPEND without a list and an item");
    case kSetItem:
      return stack_.has(3) ? step(stack_.set_from(stack_.size() - 2))
                           : damaged("SETITEM without a dict, a key and a value");
    case kEmptyTuple: return step(stack_.make_tuple(stack_.size()));
    case kTuple1: return stack_.has(1) ? step(stack_.make_tuple(stack_.size() - 1)) : damaged("TUPLE1 without an item");
    case kTuple3:
      return stack_.has(3) ? step(stack_.make_tuple(stack_.size() - 3)) : damaged("TUPLE3 without three items");
    case kTuple: return stack_.pop_mark(at) ? step(stack_.make_tuple(at)) : damaged("TUPLE without a MARK");
    case kEmptySet: stack_.push(Value(Kind::kFreshList, 0)); return Step::kGo;
    case kAddItems: return stack_.pop_mark(at) ? step(stack_.append_from(at)) : damaged("ADDITEMS without a MARK");
    case kList:
    case kFrozenSet:
    case kDict: {
      if (!stack_.pop_mark(at)) return damaged("LIST, DICT or FROZENSET without a MARK");
      stack_.insert_fresh(at, op == kDict ? Kind::kFreshDict : Kind::kFreshList);
      return step(op == kDict ? stack_.set_from(at + 1) : stack_.append_from(at + 1));
    }
    case kReduce:
    case kNewObj: return reduce();
    case kStackGlobal: {
      if (!stack_.has(2)) return damaged("STACK_GLOBAL without two names");
      const auto name = NodeStore::to_text(stack_.top());
      const auto module = NodeStore::to_text(stack_.top(1));
      if (!name || !module) return damaged("STACK_GLOBAL without two names");
      stack_.drop_from(stack_.size() - 2);
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
    case kString: stack_.push(store_.text(decode_string_line(scratch_))); return Step::kGo;
    case kUnicode: stack_.push(store_.text(decode_unicode_line(scratch_))); return Step::kGo;
    case kGet:
    case kPut: {
      uint64_t index = 0;
      const auto [last, error] = std::from_chars(scratch_.data(), scratch_.data() + scratch_.size(), index);
      if (error != std::errc() || last != scratch_.data() + scratch_.size())
        return damaged("a memo index is no number");
      return op == kGet ? step(stack_.get(index)) : put(index);
    }
    default: break;
  }
  const NumberLine number = decode_number_line(scratch_, op == kInt);
  switch (number.kind) {
    case NumberLine::kBad: return damaged("a number is no number");
    case NumberLine::kBool: stack_.push(Value(Kind::kBool, number.integer_value != 0 ? 1 : 0)); break;
    case NumberLine::kSigned: stack_.push(store_.integer(number.integer_value)); break;
    case NumberLine::kUnsigned: stack_.push(store_.integer_unsigned(number.unsigned_value)); break;
    case NumberLine::kReal: stack_.push(store_.real(number.real_value)); break;
    case NumberLine::kHuge: stack_.push(Value(Kind::kUnreadable, 0)); break;
  }
  return Step::kGo;
}

// An index that is larger than the bytes read so far cannot be one of theirs.
Machine::Step Machine::put(uint64_t index) {
  if (index > window_.offset()) return damaged("a memo index is out of range");
  if (index < stack_.memo().size()) events_.memo_changed();
  return step(stack_.put(index));
}

Machine::Step Machine::refused(std::string what) {
  why_ = std::move(what);
  return Step::kRefused;
}

Machine::Step Machine::push_global(std::string_view module, std::string_view name) {
  if (const auto global = find_global(module, name)) {
    stack_.push(Value(Kind::kGlobal, static_cast<uint64_t>(*global)));
    return Step::kGo;
  }
  return refused("the pickle wants to use " + excerpt(module) + "." + excerpt(name) +
                 ", which a snapshot never does; nothing was run");
}

Machine::Step Machine::reduce() {
  if (!stack_.has(2) || stack_.top(1).kind() != Kind::kGlobal) return damaged("REDUCE without a constructor");
  const auto global = static_cast<Global>(stack_.top(1).payload());
  const Value arguments = stack_.top();
  stack_.drop_from(stack_.size() - 2);
  const Object* tuple = store_.object(arguments);
  const Value first = tuple != nullptr && !tuple->items.empty() ? tuple->items.front() : Value();
  switch (global) {
    case Global::kDict:
      // Copies its argument, which can be shared: all copies together may cost what was read, not more.
      if (const Object* pairs = store_.object(first)) copied_ += pairs->items.size();
      if (copied_ > window_.offset()) return damaged("a list of pairs is made into too many dicts");
      stack_.push(build_dict(first));
      break;
    case Global::kSequence: stack_.push(first.kind() == Kind::kNone ? Value(Kind::kFreshList, 0) : first); break;
    case Global::kFirst: stack_.push(first); break;
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
  stack_.push(store_.text(scratch_));
  return Step::kGo;
}

Machine::Step Machine::skip_bytes(uint64_t length) {
  while (length > 0) {
    const uint64_t piece = std::min<uint64_t>(length, ByteWindow::kSize);
    if (!window_.take(piece, scratch_)) return damaged("the pickle ends inside a bytes object");
    length -= piece;
  }
  stack_.push(Value(Kind::kUnreadable, 0));
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
    stack_.push(Value(Kind::kUnreadable, 0));
  else
    stack_.push(value.negative ? store_.integer(static_cast<int64_t>(value.bits))
                               : store_.integer_unsigned(value.bits));
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

}  // namespace

Result<Parsed> run_pickle(ByteWindow& window, NodeStore& store, bool short_cuts) {
  return Machine(window, store, short_cuts).run();
}

}  // namespace unfrag::ingest
