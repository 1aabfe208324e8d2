#include "ingest/pickle_machine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/builder.h"

namespace unfrag::ingest {
namespace {

using namespace std::string_literals;

// --- Running a pickle, and its result as text ---

class Reading {
 public:
  explicit Reading(std::string bytes)
      : bytes_(std::move(bytes)), source_(bytes_), window_(source_), store_(builder_), result_(start()) {}

  [[nodiscard]] bool refused() const { return !result_.ok(); }
  [[nodiscard]] const Error& refusal() const { return result_.error(); }
  [[nodiscard]] const std::string& damage() const { return result_->damage; }
  [[nodiscard]] uint64_t offset() const { return result_->offset; }
  [[nodiscard]] Value root() const { return result_->root; }
  [[nodiscard]] const trace::Trace& trace() const { return builder_.trace; }

  /// The value as Python would write it. Records are named by their kind; a container inside itself is "...".
  [[nodiscard]] std::string text() const { return refused() ? "refused: " + refusal().what : text_of(root(), 0); }

  /// Trace entries that can be reached from the root.
  [[nodiscard]] size_t events() const { return refused() ? 0 : events_in(root(), 0); }

 private:
  static constexpr int kDeepest = 3;

  Result<Parsed> start() { return run_pickle(window_, store_); }

  [[nodiscard]] std::string text_of(Value value, int depth) const {
    switch (value.kind()) {
      case Kind::kNone: return "None";
      case Kind::kBool: return value.payload() != 0 ? "True" : "False";
      case Kind::kInt:
      case Kind::kWide:
        if (const auto positive = store_.to_unsigned(value)) return std::to_string(*positive);
        return std::to_string(*store_.to_signed(value));
      case Kind::kReal: return fmt::format("{}", *store_.to_real(value));
      case Kind::kUnreadable: return "unreadable";
      case Kind::kText: return fmt::format("'{}'", trace().strings[*NodeStore::to_text(value)]);
      case Kind::kPair: {
        const auto pool = *store_.to_pool(value);
        return fmt::format("({}, {})", pool.first, pool.second);
      }
      case Kind::kFrame: return "frame " + frame(trace::FrameIdx(value.index()));
      case Kind::kStack: return stack(trace::StackIdx(value.index()));
      case Kind::kEvents: return fmt::format("{} events", value.run_count());
      case Kind::kBlocks: return fmt::format("{} blocks", value.run_count());
      case Kind::kAnnotations: return fmt::format("{} annotations", value.run_count());
      case Kind::kGlobal: return "constructor";
      case Kind::kFreshList:
      case Kind::kFreshDict: return "fresh";
      case Kind::kObject: break;
    }
    return container(*store_.object(value), depth);
  }

  [[nodiscard]] std::string container(const Object& object, int depth) const {
    if (depth > kDeepest) return "...";
    std::string items;
    const bool dict = object.kind == ObjectKind::kDict;
    for (size_t i = 0; i < object.items.size(); ++i) {
      if (i > 0) items += dict && i % 2 == 1 ? ": " : ", ";
      items += text_of(object.items[i], depth + 1);
    }
    if (dict) return "{" + items + "}";
    return object.kind == ObjectKind::kTuple ? "(" + items + ")" : "[" + items + "]";
  }

  [[nodiscard]] std::string frame(trace::FrameIdx index) const {
    const trace::Frame& frame = trace().frames[index];
    return fmt::format("{}:{} {}", trace().strings[frame.filename], frame.line, trace().strings[frame.name]);
  }

  [[nodiscard]] std::string stack(trace::StackIdx index) const {
    std::string text = "stack";
    for (const trace::FrameIdx idx : trace().stacks[index]) text += " " + frame(idx);
    return text;
  }

  [[nodiscard]] size_t events_in(Value value, int depth) const {
    if (value.kind() == Kind::kEvents) return value.run_count();
    const Object* object = store_.object(value);
    size_t sum = 0;
    if (object == nullptr || depth > kDeepest) return sum;
    for (const Value item : object->items) sum += events_in(item, depth + 1);
    return sum;
  }

  std::string bytes_;
  MemorySource source_;
  ByteWindow window_;
  trace::Builder builder_;
  NodeStore store_;
  Result<Parsed> result_;
};

/// What a whole pickle with this body (without STOP) gives.
std::string value_of(const std::string& body) {
  const Reading run(body + ".");
  if (run.refused() || run.damage().empty()) return run.text();
  return "damaged: " + run.damage();
}

// --- Writing pickles ---

std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}
std::string text(const std::string& value) { return "\x8c" + little(value.size(), 1) + value; }
std::string number(uint64_t value) { return "\x8a\x08" + little(value, 8); }
std::string small(uint64_t value) { return "M" + little(value, 2); }
std::string list(const std::string& items) { return "](" + items + "e"; }
std::string dict(const std::string& items) { return "}(" + items + "u"; }
std::string memo(uint64_t index) { return "j" + little(index, 4); }
std::string put(uint64_t index) { return "r" + little(index, 4); }

std::string frame(const std::string& name, uint64_t line) {
  return dict(text("name") + text(name) + text("filename") + text("t.py") + text("line") + small(line));
}
std::string event(uint64_t addr) {
  return dict(text("action") + text("alloc") + text("addr") + number(addr) + text("size") + small(512) +
              text("stream") + small(0) + text("frames") + list(frame("main", 1) + frame("run", 2)));
}
std::string block(uint64_t addr) {
  return dict(text("address") + number(addr) + text("size") + small(512) + text("requested_size") + small(500) +
              text("state") + text("active_allocated") + text("frames") + "]");
}

// --- Opcodes ---

TEST(PickleMachine, ReadsTheLinesOfProtocolZero) {
  EXPECT_EQ(value_of("(lp0\nI5\naI-5\naL7L\naL7\naF1.5\naI01\naI00\naNa"), "[5, -5, 7, 7, 1.5, True, False, None]");
  EXPECT_EQ(value_of("(dp0\nS'k'\np1\nI1\nsS'l'\nI2\ns"), "{'k': 1, 'l': 2}");
  EXPECT_EQ(value_of("(I1\nI2\nI3\nt"), "(1, 2, 3)");
  EXPECT_EQ(value_of("(I1\nI2\nl"), "[1, 2]");
  EXPECT_EQ(value_of("(S'k'\nI1\nd"), "{'k': 1}");
  EXPECT_EQ(value_of("(lp2\nI7\nag2\na0g2\n"), "[7, [7, [7, [7, ...]]]]");
}

TEST(PickleMachine, ReadsIntegersAndTheirLimitsFromText) {
  EXPECT_EQ(value_of("L9223372036854775807L\n"), "9223372036854775807");
  EXPECT_EQ(value_of("L18446744073709551615L\n"), "18446744073709551615");
  EXPECT_EQ(value_of("L-9223372036854775808L\n"), "-9223372036854775808");
  EXPECT_EQ(value_of("L18446744073709551616L\n"), "unreadable");
  EXPECT_EQ(value_of("F-0.25\n"), "-0.25");
  EXPECT_EQ(value_of("F1e300\n"), "1e+300");
  EXPECT_EQ(value_of("Iseven\n"), "damaged: a number is no number");
  EXPECT_EQ(value_of("I\n"), "damaged: a number is no number");
}

TEST(PickleMachine, UndoesTheEscapesOfStrings) {
  EXPECT_EQ(value_of("S'a\\x41\\n\\t\\\\\\''\n"), "'aA\n\t\\''");
  EXPECT_EQ(value_of("S\"it's\"\n"), "'it's'");
  EXPECT_EQ(value_of("S'\\x4'\n"), "'x4'");
  EXPECT_EQ(value_of("S''\n"), "''");
  EXPECT_EQ(value_of("Vx\\u20ac\\U0001f600\n"), "'x\u20ac\U0001f600'");
  EXPECT_EQ(value_of("V\xe9\n"), "'\u00e9'");
  EXPECT_EQ(value_of("V\\n\\u00\n"), "'\\n\\u00'");
  EXPECT_EQ(value_of("V\n"), "''");
}

TEST(PickleMachine, ReadsTheBinaryOpcodesOfProtocolOne) {
  EXPECT_EQ(value_of("K\xff"), "255");
  EXPECT_EQ(value_of("M\xff\xff"), "65535");
  EXPECT_EQ(value_of("J\xff\xff\xff\x7f"), "2147483647");
  EXPECT_EQ(value_of("J\xff\xff\xff\xff"), "-1");
  EXPECT_EQ(value_of("J"s + "\0\0\0\x80"s), "-2147483648");
  EXPECT_EQ(value_of("G\x3f\xf8\0\0\0\0\0\0"s), "1.5");
  EXPECT_EQ(value_of("X\3\0\0\0abc"s), "'abc'");
  EXPECT_EQ(value_of("T\3\0\0\0abc"s), "'abc'");
  EXPECT_EQ(value_of("U\3abc"), "'abc'");
  EXPECT_EQ(value_of(")"), "()");
  EXPECT_EQ(value_of("]q\0(K\1K\2eh\0a"s), "[1, 2, [1, 2, [1, 2, [1, 2, ...]]]]");
  EXPECT_EQ(value_of("}(U\1aK\1U\1bK\2U\1cK\3u"), "{'a': 1, 'b': 2, 'c': 3}");
  EXPECT_EQ(value_of("K\1K\0020"), "1");
  EXPECT_EQ(value_of("K\1(K\2K\0031"), "1");
  EXPECT_EQ(value_of("K\1(0"), "1");
}

TEST(PickleMachine, ReadsTheOpcodesOfProtocolTwo) {
  EXPECT_EQ(value_of("\x80\2\x88"), "True");
  EXPECT_EQ(value_of("\x80\2\x89"), "False");
  EXPECT_EQ(value_of("\x80\2K\1\x85"), "(1)");
  EXPECT_EQ(value_of("\x80\2K\1K\2\x86"), "(1, 2)");
  EXPECT_EQ(value_of("\x80\2K\1K\2K\3\x87"), "(1, 2, 3)");
  EXPECT_EQ(value_of("\x80\2K\1N\x86"), "(1, None)");
}

TEST(PickleMachine, SkipsTheBytesOfProtocolThree) {
  EXPECT_EQ(value_of("(C\2abB\3\0\0\0abcK\7t"s), "(unreadable, unreadable, 7)");
  EXPECT_EQ(value_of("B" + little(200000, 4) + std::string(200000, '.')), "unreadable");
}

TEST(PickleMachine, ReadsTheOpcodesOfProtocolFour) {
  EXPECT_EQ(value_of("\x80\4\x95" + little(5, 8) + text("abc")), "'abc'");
  EXPECT_EQ(value_of("\x8d" + little(3, 8) + "abc"), "'abc'");
  EXPECT_EQ(value_of("\x8e" + little(3, 8) + "abc"), "unreadable");
  EXPECT_EQ(value_of("\x8f(K\1K\2\x90"), "[1, 2]");
  EXPECT_EQ(value_of("(K\1K\2\x91"), "[1, 2]");
  EXPECT_EQ(value_of("(" + text("a") + "\x94" + text("b") + "\x94h\1h\0t"s), "('a', 'b', 'b', 'a')");
}

TEST(PickleMachine, SkipsTheByteArraysOfProtocolFive) {
  EXPECT_EQ(value_of("\x96" + little(2, 8) + "ab"), "unreadable");
}

TEST(PickleMachine, ReadsStringsLongerThanItsWindow) {
  const std::string longest(300000, 'x');
  EXPECT_EQ(value_of("X" + little(longest.size(), 4) + longest), "'" + longest + "'");
  EXPECT_EQ(value_of("\x8d" + little(longest.size(), 8) + longest), "'" + longest + "'");
  EXPECT_EQ(value_of("S'" + longest + "'\n"), "'" + longest + "'");
  EXPECT_EQ(value_of("X" + little(kLongestText + 1, 4)), "damaged: a string of 67108865 bytes");
}

TEST(PickleMachine, ReadsLongIntegersOfEveryLength) {
  const auto long1 = [](const std::string& bytes) { return value_of("\x8a" + little(bytes.size(), 1) + bytes); };
  const auto long4 = [](const std::string& bytes) { return value_of("\x8b" + little(bytes.size(), 4) + bytes); };
  for (const auto& read : {+long1, +long4}) {
    EXPECT_EQ(read(""), "0");
    for (size_t size = 1; size <= 8; ++size) {
      const auto one = std::to_string(uint64_t{1} << (8 * size - 8));
      EXPECT_EQ(read(std::string(size - 1, '\0') + "\1"), one) << size;
      EXPECT_EQ(read(std::string(size - 1, '\0') + "\xff"), "-" + one) << size;
      EXPECT_EQ(read(std::string(size, '\xff')), "-1") << size;
      EXPECT_EQ(read(std::string(size, '\0')), "0") << size;
    }
    EXPECT_EQ(read(std::string(7, '\0') + "\x80"), "-9223372036854775808");
    EXPECT_EQ(read(std::string(7, '\0') + "\x80\0"s), "9223372036854775808");
    EXPECT_EQ(read(std::string(8, '\xff') + "\0"s), "18446744073709551615");
    EXPECT_EQ(read(std::string(8, '\xff') + "\xff"), "-1");
    EXPECT_EQ(read(std::string(8, '\0') + "\xff"), "unreadable");
    EXPECT_EQ(read(std::string(8, '\0') + "\1"), "unreadable");
    EXPECT_EQ(read("\5" + std::string(30, '\0')), "5");
    EXPECT_EQ(read(std::string(100, '\1')), "unreadable");
  }
  EXPECT_EQ(value_of("\x8b" + little(200000, 4) + std::string(200000, '\1')), "unreadable");
}

// --- Memo and containers that are not complete yet ---

TEST(PickleMachine, LetsAListContainItself) {
  EXPECT_EQ(value_of("]\x94h\0a"s), "[[[[...]]]]");
  EXPECT_EQ(value_of("]\x94(h\0K\1e"s), "[[[[..., 1], 1], 1], 1]");
  EXPECT_EQ(value_of("}\x94(\x8c\1ah\0u"s), "{'a': {'a': {'a': {'a': ...}}}}");
}

TEST(PickleMachine, KnowsAnEmptyContainerThatWasUsedBefore) {
  EXPECT_EQ(value_of("(](]q\0K\1eh\0t"s), "([[], 1], [])");
  EXPECT_EQ(value_of("(](}q\0K\1eh\0t"s), "([{}, 1], {})");
  EXPECT_EQ(value_of("(]q\0]q\1h\0h\1h\0t"s), "([], [], [], [], [])");
  EXPECT_EQ(value_of("(]q\0q\1h\0K\1ah\1t"s), "([1], [1], [1])") << "one list under two numbers";
}

TEST(PickleMachine, GivesOneListTwoNumbersInTheMemo) {
  EXPECT_EQ(value_of("(]\x94\x94(K\1K\2eh\0h\1t"s), "([1, 2], [1, 2], [1, 2])");
  EXPECT_EQ(value_of("(}\x94\x94(\x8c\1aK\1\x8c\1bK\2uh\0h\1t"s),
            "({'a': 1, 'b': 2}, {'a': 1, 'b': 2}, {'a': 1, 'b': 2})");
}

TEST(PickleMachine, AppendsToACopiedListOnce) {
  EXPECT_EQ(value_of("]2K\1a0"), "[1]");
  EXPECT_EQ(value_of("(]2K\1at"), "([1], [1])");
  EXPECT_EQ(value_of("(]q\0002(K\1K\2eh\0t"s), "([1, 2], [1, 2], [1, 2])");
  EXPECT_EQ(value_of("(}2\x8c\1aK\1st"), "({'a': 1}, {'a': 1})");
}

TEST(PickleMachine, ReplacesAMemoEntryThatIsWrittenAgain) {
  EXPECT_EQ(value_of("(]q\0]q\0(K\1K\2eh\0t"s), "([], [1, 2], [1, 2])");
  EXPECT_EQ(value_of("(]q\0(K\1K\2eK\7q\0h\0t"s), "([1, 2], 7, 7)");
}

TEST(PickleMachine, GrowsContainersItemByItem) {
  EXPECT_EQ(value_of("]K\1aK\2a(K\3K\4e(e"), "[1, 2, 3, 4]");
  EXPECT_EQ(value_of("}\x8c\1aK\1s\x8c\1bK\2s(u(\x8c\1cK\3u"), "{'a': 1, 'b': 2, 'c': 3}");
}

// --- Records ---

TEST(PickleMachine, RecognisesRecords) {
  EXPECT_EQ(value_of(frame("main", 7)), "frame t.py:7 main");
  EXPECT_EQ(value_of(list(frame("a", 1) + frame("b", 2))), "stack t.py:1 a t.py:2 b");
  EXPECT_EQ(value_of(event(512)), "1 events");
  EXPECT_EQ(value_of(list(event(512) + event(1024) + event(512))), "[3 events]");
  EXPECT_EQ(value_of(list(block(512) + block(1024))), "[2 blocks]");
  EXPECT_EQ(value_of("(K\1K\2t"), "(1, 2)");
}

TEST(PickleMachine, RecognisesARecordThatIsWrittenKeyByKey) {
  const std::string text_event =
      "(dS'action'\nS'alloc'\nsS'addr'\nI512\nsS'size'\nI100\nsS'frames'\n(l(dS'name'\nS'f'\nsS'filename'\n"
      "S'g'\nsS'line'\nI1\nsas";
  const Reading run("(l" + text_event + "a" + text_event + "a.");
  EXPECT_EQ(run.text(), "[2 events]");
  ASSERT_EQ(run.trace().events.size_rows(), 2U);
  EXPECT_EQ(run.trace().events.size[1], 100U);
  EXPECT_EQ(run.trace().stacks[run.trace().events.stack[1]].size(), 1U);
}

TEST(PickleMachine, KeepsStacksOfMoreThanABatchWhole) {
  // CPython writes a thousand items, then the others: what the memo holds must be the whole list all the time.
  for (const size_t frames : {999U, 1000U, 1001U, 1999U, 2000U, 2500U}) {
    std::string bytes = "(" + frame("f", 1) + put(0) + "0]" + put(1);
    for (size_t i = 0; i < frames;) {
      const size_t batch = std::min<size_t>(1000, frames - i);
      if (batch > 1) bytes += "(";
      for (size_t k = 0; k < batch; ++k) bytes += "h\0"s;
      bytes += batch > 1 ? "e" : "a";
      i += batch;
    }
    bytes += memo(1) + memo(1) + "t.";
    const Reading run(bytes);
    EXPECT_EQ(run.damage(), "");
    // Three times the same stack, whatever the tuple became.
    const trace::StackTable& stacks = run.trace().stacks;
    ASSERT_EQ(stacks.size(), 2U) << frames;
    EXPECT_EQ(stacks[trace::StackIdx(1)].size(), frames);
    std::string stack = "stack";
    for (size_t i = 0; i < frames; ++i) stack += " t.py:1 f";
    EXPECT_EQ(run.text(), fmt::format("({0}, {0}, {0})", stack));
  }
}

// --- Constructors ---

TEST(PickleMachine, BuildsPlainDataFromTheConstructorsOnItsList) {
  EXPECT_EQ(value_of("ccollections\nOrderedDict\n)R(U\1aK\1U\1bK\2u"), "{'a': 1, 'b': 2}");
  EXPECT_EQ(value_of("ccollections\nOrderedDict\n](](U\1aK\1e](U\1bK\2ee\x85R"), "{'a': 1, 'b': 2}");
  EXPECT_EQ(value_of("ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RU\1aK\1s"), "{'a': 1}");
  EXPECT_EQ(value_of("c__builtin__\nset\n](K\1K\2e\x85R"), "[1, 2]");
  EXPECT_EQ(value_of("cbuiltins\nfrozenset\n](K\1K\2e\x85R"), "[1, 2]");
  EXPECT_EQ(value_of("cbuiltins\nlist\n)R(K\1K\2e"), "[1, 2]");
  EXPECT_EQ(value_of("cbuiltins\ntuple\n)\x81"), "[]");
  EXPECT_EQ(value_of("cbuiltins\ndict\n)RU\1aK\1s"), "{'a': 1}");
  EXPECT_EQ(value_of(text("collections") + text("OrderedDict") + "\x93)R" + "U\1aK\1s"), "{'a': 1}");
}

TEST(PickleMachine, ReadsTheTypeTagsOfTorchScript) {
  EXPECT_EQ(value_of("ctorch.jit._pickle\nrestore_type_tag\n](K\1K\2eU\11List[int]\x86R"), "[1, 2]");
  EXPECT_EQ(value_of("ctorch.jit._pickle\nbuild_intlist\n](K\1K\2e\x85R"), "[1, 2]");
  EXPECT_EQ(value_of("ctorch.jit._pickle\nbuild_boollist\n](\x88\x89"
                     "e\x85R"),
            "[True, False]");
}

TEST(PickleMachine, RefusesWhatWouldRunCode) {
  struct Case {
    std::string bytes;
    std::string named;
  };
  const std::vector<Case> cases = {
      {"cos\nsystem\n(S'true'\ntR.", "os.system"},
      {text("builtins") + text("eval") + "\x93", "builtins.eval"},
      {"c__builtin__\ngetattr\n", "__builtin__.getattr"},
      {"cbuiltins\nobject\n", "builtins.object"},
      {"ccollections\nOrderedDict.update\n", "collections.OrderedDict.update"},
      {"c\n\n", "."},
      {"}}b.", "BUILD"},
      {"(ios\nsystem\n.", "class"},
      {"(o.", "class"},
      {")}}\x92.", "class"},
      {"Pfile\n.", "torch.save"},
      {"K\1Q.", "torch.save"},
      {"\x82\1.", "extension"},
      {"\x83\1\1.", "extension"},
      {"\x84\1\1\1\1.", "extension"},
      {"\x97.", "buffer"},
      {"K\1\x98.", "buffer"},
  };
  for (const Case& c : cases) {
    const Reading run(list(event(512)) + c.bytes);
    ASSERT_TRUE(run.refused()) << c.named;
    EXPECT_EQ(run.refusal().kind, ErrorKind::kBadInput);
    EXPECT_NE(run.refusal().what.find(c.named), std::string::npos) << run.refusal().what;
    EXPECT_EQ(run.refusal().where.substr(0, 5), "byte ") << run.refusal().where;
    EXPECT_FALSE(run.refusal().action.empty());
  }
}

TEST(PickleMachine, ShowsRefusedNamesEscaped) {
  const Reading run("cos\x1b[31m\nsystem" + std::string(500, 'x') + "\n.");
  ASSERT_TRUE(run.refused());
  EXPECT_NE(run.refusal().what.find("os\\x1b[31m.systemxxx"), std::string::npos) << run.refusal().what;
  EXPECT_LT(run.refusal().what.size(), 300U);
}

// --- Damage ---

TEST(PickleMachine, KeepsWhatPrecedesDamage) {
  struct Case {
    std::string bytes;
    std::string damage;
  };
  const std::vector<Case> cases = {
      {"", "the pickle ends before its STOP"},
      {"\xf3", "unknown opcode 0xf3"},
      {"\x99", "unknown opcode 0x99"},
      {"\0"s, "unknown opcode 0x00"},
      {"ee", "APPENDS without a MARK"},
      {"eu", "SETITEMS without a MARK"},
      {"et", "TUPLE without a MARK"},
      {"e1", "POP_MARK without a MARK"},
      {"e\x90", "ADDITEMS without a MARK"},
      {"ed", "LIST, DICT or FROZENSET without a MARK"},
      {"ea", "APPEND without a list and an item"},
      {"es", "SETITEM without a dict, a key and a value"},
      {"(\x86", "TUPLE2 without two items"},
      {"(K\1\x87", "TUPLE3 without three items"},
      {"(\x85", "TUPLE1 without an item"},
      {"(2", "DUP with nothing to copy"},
      {"(p0\n", "nothing to put in the memo"},
      {"}(K\1K\2K\3u", "a key without a value"},
      {"h\7", "the memo has no such entry"},
      {"j\xff\xff\xff\xff", "the memo has no such entry"},
      {"K\1r\xff\xff\xff\x7f", "a memo index is out of range"},
      {"K\1p123456789\n", "a memo index is out of range"},
      {"K\1p-1\n", "a memo index is no number"},
      {"gx\n", "a memo index is no number"},
      {"K\1(K\2e", "items appended to something that is no list"},
      {"K\1)R", "REDUCE without a constructor"},
      {"K\1K\1\x93", "STACK_GLOBAL without two names"},
      {"M\1", "the pickle ends inside an opcode"},
      {"J\1\1\1", "the pickle ends inside an opcode"},
      {"G\1\1\1", "the pickle ends inside an opcode"},
      {"X\1\0\0"s, "the pickle ends inside an opcode"},
      {"\x8c", "the pickle ends inside an opcode"},
      {"\x8a", "the pickle ends inside an opcode"},
      {"\x8a\5abc", "the pickle ends inside an integer"},
      {"\x8c\5abc", "the pickle ends inside a string"},
      {"X\5\0\0\0abc"s, "the pickle ends inside a string"},
      {"C\5abc", "the pickle ends inside a bytes object"},
      {"I12", "the pickle ends inside a line, or the line is too long"},
      {"cos", "the pickle ends inside a line, or the line is too long"},
  };
  for (const Case& c : cases) {
    const std::string good = "\x80\4](" + event(512) + event(1024);
    const Reading run(good + c.bytes);
    ASSERT_FALSE(run.refused()) << c.damage;
    EXPECT_EQ(run.damage(), c.damage);
    EXPECT_EQ(run.events(), 2U) << c.damage << ": " << run.text();
    EXPECT_LE(run.offset(), good.size() + c.bytes.size());
    EXPECT_GE(run.offset(), good.size());
  }
}

TEST(PickleMachine, SaysWhatIsWrongWithAnEmptyPickle) {
  EXPECT_EQ(Reading("").damage(), "the pickle ends before its STOP");
  EXPECT_EQ(Reading("\x80\4.").damage(), "STOP with nothing to return");
  EXPECT_EQ(Reading("(((((.").text(), "None");
}

TEST(PickleMachine, LeavesOutTheRecordThatWasBeingWritten) {
  const std::string whole = event(512);
  const Reading run("](" + whole + whole.substr(0, whole.size() - 1));
  EXPECT_EQ(run.damage(), "the pickle ends before its STOP");
  EXPECT_EQ(run.events(), 1U) << run.text();
}

std::string snapshot_of_protocol_4() {
  const std::string segment = dict(text("device") + small(0) + text("address") + number(512) + text("total_size") +
                                   small(2048) + text("blocks") + list(block(512) + block(1024)));
  return "\x80\4" +
         dict(text("segments") + list(segment + segment) + text("device_traces") +
              list(list(event(512) + event(1024) + event(1536)) + list(event(512) + event(2048)))) +
         ".";
}

std::string snapshot_of_protocol_0() {
  const std::string entry =
      "(dS'action'\nS'alloc'\nsS'addr'\nL512L\nsS'size'\nI100\nsS'frames'\n(l(dS'name'\nS'f'\nsS'filename'\n"
      "S'g'\nsS'line'\nI1\nsas";
  const std::string trace = "(l" + entry + "a" + entry + "a";
  return "(dS'segments'\n(lsS'device_traces'\n(l" + trace + "a" + trace + "as.";
}

TEST(PickleMachine, GivesNoLessOfALongerPiece) {
  struct Case {
    std::string bytes;
    size_t events;
  };
  for (const Case& c : {Case{snapshot_of_protocol_4(), 5}, Case{snapshot_of_protocol_0(), 4}}) {
    size_t before = 0;
    for (size_t cut = 0; cut <= c.bytes.size(); ++cut) {
      const Reading run(c.bytes.substr(0, cut));
      ASSERT_FALSE(run.refused()) << cut;
      EXPECT_EQ(run.damage().empty(), cut == c.bytes.size()) << cut;
      EXPECT_LE(run.offset(), cut);
      EXPECT_GE(run.events(), before) << cut << ": " << run.text();
      before = run.events();
    }
    EXPECT_EQ(before, c.events);
  }
}

}  // namespace
}  // namespace unfrag::ingest
