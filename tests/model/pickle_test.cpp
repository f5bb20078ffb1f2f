// The machine that reads pickles, opcode by opcode. Expected values: what Python's pickle.loads makes of the same bytes.
#include "model/pickle.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/stored_zip.hpp"
#include "model/text_bytes.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using Kind = PickleValue::Kind;
using std::string_literals::operator""s;

Pickle read(std::string_view pickle) { return Pickle::read(bytes_of(pickle)); }

std::string pickle_refusal(std::string_view pickle) {
  try {
    (void)read(pickle);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "not refused";
}

std::string text_op(std::string_view content) {
  return "X" + StoredZip::number(content.size(), 4) + std::string(content);
}

TEST(Pickle, ReadsEveryWayToWriteAnInteger) {
  EXPECT_EQ(read("K\xff.").root().integer, 255);
  EXPECT_EQ(read("M\xff\xff.").root().integer, 65'535);
  EXPECT_EQ(read("J\xff\xff\xff\xff.").root().integer, -1);
  EXPECT_EQ(read("\x8a\x00."s).root().integer, 0);
  EXPECT_EQ(read("\x8a\x01\xff.").root().integer, -1);
  EXPECT_EQ(read("\x8a\x02\xff\x00."s).root().integer, 255);
  EXPECT_EQ(read("\x8a\x05\x00\x00\x00\x00\x01."s).root().integer, std::int64_t{1} << 32);
  EXPECT_EQ(read("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s).root().integer,
            std::numeric_limits<std::int64_t>::min());
}

// 2^63 has nine bytes: without its last it would be a number, and the wrong one.
TEST(Pickle, TakesNoPartOfALongIntegerForTheWhole) {
  EXPECT_NE(read("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s).root().kind, Kind::integer);
  EXPECT_NE(read("\x8a\x09\x04\x00\x00\x00\x00\x00\x00\x00\x01."s).root().kind, Kind::integer);
}

TEST(Pickle, ReadsRealsBigEndian) {
  const Pickle pickle = read("G\xbf\xf8\x00\x00\x00\x00\x00\x00."s);
  EXPECT_EQ(pickle.root().kind, Kind::real);
  EXPECT_EQ(pickle.root().real, -1.5);
}

TEST(Pickle, ReadsEveryWayToWriteText) {
  for (const std::string& pickle : {"X\x02\x00\x00\x00hi."s, "\x8c\x02hi."s, "\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."s,
                                    "U\x02hi."s, "T\x02\x00\x00\x00hi."s}) {
    const Pickle read_back = read(pickle);
    EXPECT_EQ(read_back.root().kind, Kind::text) << pickle;
    EXPECT_EQ(read_back.root().text, "hi") << pickle;
  }
  EXPECT_EQ(read("C\x02hi.").root().kind, Kind::bytes);
  EXPECT_EQ(read("B\x02\x00\x00\x00hi."s).root().kind, Kind::bytes);
}

TEST(Pickle, KeepsTheOrderOfATuple) {
  const Pickle pickle = read("K\x01K\x02K\x03\x87.");
  ASSERT_EQ(pickle.root().kind, Kind::tuple);
  ASSERT_EQ(pickle.root().items.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pickle[pickle.root().items[i]].integer, static_cast<std::int64_t>(i + 1));
  }
}

TEST(Pickle, TakesOnlyWhatLiesAboveTheLastMark) {
  const Pickle pickle = read("K\x01(K\x02(K\x03tt\x86.");
  ASSERT_EQ(pickle.root().items.size(), 2U);
  EXPECT_EQ(pickle[pickle.root().items[0]].integer, 1);
  const PickleValue& outer = pickle[pickle.root().items[1]];
  ASSERT_EQ(outer.items.size(), 2U);
  EXPECT_EQ(pickle[outer.items[1]].kind, Kind::tuple);
  EXPECT_EQ(read("K\x01(0K\x02.").root().integer, 2);  // POP takes the mark where nothing lies above it
  EXPECT_TRUE(says(pickle_refusal("K\x01(K\x02\x86."), "empty stack"));  // nor does TUPLE2
}

TEST(Pickle, NumbersTheMemoAsPythonDoes) {
  // MEMOIZE stores under the number of what is stored so far.
  const Pickle pickle = read("K\x07\x94K\x08\x94h\x00h\x01\x86."s);
  EXPECT_EQ(pickle[pickle.root().items[0]].integer, 7);
  EXPECT_EQ(pickle[pickle.root().items[1]].integer, 8);
  EXPECT_EQ(read("K\x09r\xff\xff\xff\xff"
                 "0j\xff\xff\xff\xff.")
                .root()
                .integer,
            9);
}

// A reader that took the first would show another network than PyTorch loads.
TEST(Pickle, TheLastOfTwoEqualKeysCounts) {
  const Pickle pickle = read("}(" + text_op("a") + "K\x01" + text_op("a") + "K\x02u.");
  ASSERT_NE(pickle.find(pickle.root(), "a"), nullptr);
  EXPECT_EQ(pickle.find(pickle.root(), "a")->integer, 2);
  EXPECT_EQ(pickle.find(pickle.root(), "b"), nullptr);
}

TEST(Pickle, FindsOnlyTextKeysOfDictionaries) {
  const Pickle pickle = read("}(K\x01K\x02NK\x03u.");
  EXPECT_EQ(pickle.find(pickle.root(), ""), nullptr);
  const Pickle list = read("](" + text_op("a") + "K\x01" + "e.");
  EXPECT_EQ(list.find(list.root(), "a"), nullptr);
}

TEST(Pickle, AnUnknownClassIsKeptByNameOnly) {
  for (const std::string& pickle :
       {"cmy.module\nNet\n)R."s, "cmy.module\nNet\n)\x81."s, "cmy.module\nNet\n)R}b."s, "cmy.module\nNet\n)RNa."s,
        "cmy.module\nNet\n)R(NNu."s, "\x8c\x09my.module\x8c\x03Net\x93)R."s, "cmy.module\nNet\n)R)R."s}) {
    const Pickle read_back = read(pickle);
    EXPECT_EQ(read_back.root().kind, Kind::opaque) << pickle;
    EXPECT_EQ(read_back.root().text, "my.module.Net") << pickle;
    EXPECT_TRUE(read_back.root().items.empty()) << pickle;
  }
}

TEST(Pickle, AGlobalIsNamedByTwoTexts) {
  for (const std::string& pickle : {"K\x01\x8c\x01"
                                    "b\x93."s,
                                    "\x8c\x01"
                                    "aK\x01\x93."s,
                                    "}]\x93."s,
                                    "C\x01"
                                    "aC\x01"
                                    "b\x93."s,
                                    "\x8c\x01"
                                    "a\x93."s,
                                    "\x93."s, text_op("a") + text_op(std::string(1'001, 'b')) + "\x93."s}) {
    EXPECT_TRUE(says(pickle_refusal(pickle), "its pickle cannot be read")) << pickle << ": " << pickle_refusal(pickle);
  }
}

TEST(Pickle, KnowsOnlyTheStoragesThatTorchSaveRefersTo) {
  const std::string type = "ctorch\nFloatStorage\n";
  const std::string good = "(" + text_op("storage") + type + text_op("0") + text_op("cpu") + "K\x04";
  EXPECT_EQ(read(good + "tQ.").root().kind, Kind::storage);
  EXPECT_EQ(read(good + "NtQ.").root().kind, Kind::storage);
  EXPECT_EQ(read(good + text_op("view") + "tQ.").root().items.size(), 4U);  // a window into another
  for (const std::string& bad :
       {"(" + text_op("module") + type + text_op("0") + text_op("cpu") + "K\x04tQ.",
        "(" + text_op("storage") + text_op("FloatStorage") + text_op("0") + text_op("cpu") + "K\x04tQ.",
        "(" + text_op("storage") + type + "K\x00"s + text_op("cpu") + "K\x04tQ.",
        "(" + text_op("storage") + type + text_op("0") + text_op("cpu") + text_op("4") + "tQ.",
        "(" + text_op("storage") + type + text_op("0") + text_op("cpu") + "tQ.", "]Q."s}) {
    EXPECT_EQ(read(bad).root().kind, Kind::opaque) << bad;
  }
  // Before PyTorch 1.6 the class of a module was referred to so.
  EXPECT_EQ(read("(" + text_op("module") + "cmy\nNet\n" + text_op("my.py") + text_op("source") + "tQ.").root().text,
            "my.Net");
}

TEST(Pickle, ReadsTheTextOfProtocolZero) {
  EXPECT_EQ(read("I42\n.").root().integer, 42);
  EXPECT_EQ(read("I-7\n.").root().integer, -7);
  EXPECT_EQ(read("I01\n.").root().kind, Kind::boolean);
  EXPECT_EQ(read("I01\n.").root().integer, 1);
  EXPECT_EQ(read("I00\n.").root().integer, 0);
  EXPECT_EQ(read("L12345678901L\n.").root().integer, 12'345'678'901);
  EXPECT_NE(read("L99999999999999999999L\n.").root().kind, Kind::integer);
  EXPECT_EQ(read("F-1.5\n.").root().real, -1.5);
  EXPECT_EQ(read("F1e+300\n.").root().real, 1e300);
  EXPECT_EQ(read("Vhi\n.").root().text, "hi");
  EXPECT_EQ(read("V\xe9\\u20ac\\U0001f600\n.").root().text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(read("S'a\\'\\n\\x41'\n.").root().text, "a'\nA");
  EXPECT_EQ(read("S\"hi\"\n.").root().text, "hi");
  EXPECT_EQ(read("(I1\nI2\nl.").root().items.size(), 2U);
  const Pickle dictionary = read("(Va\nI1\nd.");
  EXPECT_EQ(dictionary.find(dictionary.root(), "a")->integer, 1);
  EXPECT_EQ(read("I5\np300\n0g300\n.").root().integer, 5);
  EXPECT_EQ(read("Pan id\n.").root().kind, Kind::opaque);
  for (const std::string& bad :
       {"Ix\n."s, "I\n."s, "I1"s, "Lx\n."s, "L\n."s, "Fx\n."s, "F\n."s, "Shi\n."s, "S'\n."s, "V\\u12\n."s,
        "V\\u12g4\n."s, "S'\\x4'\n."s, "Np-1\n."s, "Npx\n."s, "g7\n."s, "(Nd."s}) {
    EXPECT_TRUE(says(pickle_refusal(bad), "its pickle cannot be read")) << bad;
  }
}

TEST(Pickle, ReadsWhatProtocolsFourAndFiveAdded) {
  EXPECT_EQ(read("\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x07."s).root().integer, 7);
  const Pickle frozen = read("(K\x01K\x02\x91."s);
  EXPECT_EQ(frozen.root().kind, Kind::list);
  EXPECT_EQ(frozen.root().items.size(), 2U);
  EXPECT_EQ(read("\x8f(K\x01K\x02\x90.").root().items.size(), 2U);
  for (const std::string& bytes :
       {"\x96\x02\x00\x00\x00\x00\x00\x00\x00hi."s, "\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi."s}) {
    EXPECT_EQ(read(bytes).root().kind, Kind::bytes);
    EXPECT_EQ(read(bytes).root().text, "hi");
  }
  EXPECT_EQ(read("\x97\x98.").root().kind, Kind::opaque);  // a buffer that is elsewhere, read-only
  EXPECT_EQ(read("\x8b\x02\x00\x00\x00\xff\x00."s).root().integer, 255);
  EXPECT_EQ(read("cmy.module\nNet\n)}\x92.").root().text, "my.module.Net");
  EXPECT_TRUE(says(pickle_refusal("\x80\x06N."), "protocol 6"));
  for (const std::string& bad : {"\x95\xff\x00\x00\x00\x00\x00\x00\x00N."s, "\x96\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                 "\x8e\x02\x00\x00\x00\x00\x00\x00\x00h"s, "\x8b\xff\xff\xff\xff."s, "\x91."s, "\x98."s,
                                 "N\x92."s, "\x82"s, "\x84\x00"s}) {
    EXPECT_TRUE(says(pickle_refusal(bad), "its pickle cannot be read")) << bad;
  }
}

TEST(Pickle, WhatOnlyACallCouldMakeKeepsTheNameOfItsClass) {
  EXPECT_EQ(read("(imy.module\nNet\n.").root().text, "my.module.Net");
  EXPECT_EQ(read("(K\x01imy.module\nNet\n.").root().text, "my.module.Net");
  EXPECT_EQ(read("(cmy.module\nNet\nK\x01o.").root().text, "my.module.Net");
  EXPECT_EQ(read("cbuiltins\ngetattr\ncmy\nOuter\n" + text_op("Inner") + "\x86R)\x81.").root().text, "my.Outer.Inner");
  EXPECT_EQ(read("ccopy_reg\n_reconstructor\ncmy\nNet\nc__builtin__\nobject\nN\x87R.").root().text, "my.Net");
  for (const std::string& pickle : {"\x82\x07."s, "\x83\x07\x00."s, "\x84\x07\x00\x00\x00."s}) {
    EXPECT_EQ(read(pickle).root().text, "extension 7");
  }
  EXPECT_EQ(read("(ccollections\nOrderedDict\no.").root().kind, Kind::dict);
  EXPECT_EQ(read("cos\nsystem\n" + text_op("true") + "\x85R.").root().text, "os.system");
  EXPECT_TRUE(says(pickle_refusal("(o."), "its pickle cannot be read"));
  EXPECT_TRUE(says(pickle_refusal("imy\nNet\n."), "its pickle cannot be read"));
}

TEST(Pickle, StopsBehindTheFirstOfSeveral) {
  const std::string file = "\x80\x02K\x05.K\x06.rest";
  std::span<const std::byte> rest = bytes_of(file);
  EXPECT_EQ(Pickle::read_first(rest).root().integer, 5);
  EXPECT_EQ(Pickle::read_first(rest).root().integer, 6);
  EXPECT_EQ(rest.size(), 4U);
}

// torch.save writes a NumPy array as one text of all of its bytes.
TEST(Pickle, WhatTheFileSpellsOutMayBeAsLongAsTheFile) {
  const std::string long_text(std::size_t{65} << 20U, 'a');
  EXPECT_EQ(read(text_op(long_text) + ".").root().text.size(), long_text.size());
}

TEST(Pickle, NoLengthIsBelieved) {
  for (const std::string& pickle :
       {"X\xff\xff\xff\x7f"s, "T\xff\xff\xff\xff"s, "B\xff\xff\xff\xff"s, "C\xff"s,
        "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"s, "\x8a\xff"s, "G\x00"s,
        "J\x00"s, "M"s, "q"s, "r\x00"s, "\x80"s, "\x95\x00"s, "c"s}) {
    EXPECT_TRUE(says(pickle_refusal(pickle), "its pickle cannot be read")) << pickle;
  }
}

/// Nesting, each level within the next.
TEST(Pickle, DepthCostsNoStack) {
  constexpr int depth = 1'000'000;
  std::string pickle = "N";
  for (int i = 0; i < depth; ++i) pickle += '\x85';
  EXPECT_EQ(read(pickle + ".").root().kind, Kind::tuple);
  pickle.assign(depth, ']');
  for (int i = 1; i < depth; ++i) pickle += 'a';
  EXPECT_EQ(read(pickle + ".").root().items.size(), 1U);
}

TEST(Pickle, ContainersWithinOneAnotherGrowByWhatIsWritten) {
  // Each round appends the list to itself and to another one, twice: 2^rounds values if any were copied.
  std::string pickle = "]q\x00]q\x01"s;
  constexpr std::size_t rounds = 10'000;
  for (std::size_t i = 0; i < rounds; ++i) pickle += "(h\x00h\x01h\x00h\x01"s + "eh\x00h\x01"s + "a0";
  const Pickle read_back = read(pickle + ".");
  std::size_t items = 0;
  for (const PickleValue& value : read_back.values()) items += value.items.size();
  EXPECT_LE(items, 8 * rounds);
}

/// Processor time, which other programs on the machine do not lengthen.
double seconds_to_read(const std::string& pickle) {
  const std::clock_t begin = std::clock();
  (void)pickle_refusal(pickle);
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// Keys that all fall into one bucket of a hash table of 85,229, one of the primes that libstdc++ grows by: with such a
// table these 1.7 MB took 12 s, and take 0.03 s without. The limit leaves room for sanitizers and slow machines.
TEST(Pickle, NoChoiceOfMemoKeysMakesTheReaderSlow) {
  constexpr std::uint64_t prime = 85'229;
  std::string pickle = "N";
  for (std::uint64_t i = 0; i < 50'000; ++i) pickle += "r" + StoredZip::number(i * prime, 4);
  for (std::uint64_t i = 0; i < 250'000; ++i) pickle += "0j" + StoredZip::number(0, 4);
  EXPECT_LT(seconds_to_read(pickle + "."), 5.0);
}

TEST(Pickle, AMemoOfOneByteEachIsBounded) {
  EXPECT_TRUE(says(pickle_refusal("N" + std::string(4'000'001, '\x94') + "."), "stores too many values"));
}

TEST(Pickle, ReadsAStorageAsProtocol0PrintsIt) {
  for (const char* end : {"4, None)", "4)"}) {
    const Pickle pickle = read("P('storage', <class 'torch.FloatStorage'>, '94', 'cuda:0', "s + end + "\n.");
    ASSERT_EQ(pickle.root().kind, Kind::storage) << end;
    EXPECT_EQ(pickle[pickle.root().items[0]].text, "torch.FloatStorage");
    EXPECT_EQ(pickle[pickle.root().items[1]].text, "94");
    EXPECT_EQ(pickle[pickle.root().items[2]].integer, 4);
  }
  const std::string start = "P('storage', <class 'torch.FloatStorage'>, ";
  for (const std::string& line :
       {"P"s, "P('module', <class 'a.Net'>, 'net.py', 'class')"s, start, start + "'0'", start + "'0', 'cpu', "s,
        start + "'0', 'cpu', None)", start + "'0', 'cpu', -4, None)", start + "'0', 'cpu', 4, ('1', 0, 2))",
        start + "'0', 'cpu', 9223372036854775808)", start + "'0', 'cpu', 99999999999999999999)",
        start + "'" + std::string(longest_name + 1, '9') + "', 'cpu', 4)"}) {
    EXPECT_EQ(read(line + "\n.").root().kind, Kind::opaque) << line;
  }
}

}  // namespace
}  // namespace stagemark
