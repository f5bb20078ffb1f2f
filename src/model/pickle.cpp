#include "model/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <string_view>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using Index = PickleValue::Index;
using Kind = PickleValue::Kind;

/// More values than any checkpoint has, and few enough that their memory is bounded.
constexpr std::size_t most_values = 4'000'000;

/// What a few bytes can ask to be copied again and again is bounded together, by the pickle's own size and, where what
/// follows it is not known yet, by more than any checkpoint needs.
constexpr std::size_t most_copied_per_byte = 64;
constexpr std::size_t most_copied = std::size_t{64} << 20U;

[[noreturn]] void refuse_pickle(const std::string& problem) {
  throw ModelError({.problem = "its pickle cannot be read: " + problem, .remedy = "save a state_dict with torch.save"});
}

/// Modules whose functions no checkpoint needs and every attack uses. Other unknown names are harmless here, since
/// nothing is ever called; these are refused so that nobody passes such a file on unaware.
bool is_harmful(std::string_view module, std::string_view name) {
  constexpr std::array<std::string_view, 14> modules = {"os",        "posix",      "nt",       "subprocess", "sys",
                                                        "shutil",    "socket",     "pty",      "runpy",      "ctypes",
                                                        "importlib", "webbrowser", "commands", "code"};
  constexpr std::array<std::string_view, 8> functions = {"eval",       "exec",    "compile", "open",
                                                         "__import__", "getattr", "setattr", "execfile"};
  const std::string_view top = module.substr(0, module.find('.'));
  if (std::find(modules.begin(), modules.end(), top) != modules.end()) return true;
  const bool builtin = top == "builtins" || top == "__builtin__";
  return builtin && std::find(functions.begin(), functions.end(), name) != functions.end();
}

}  // namespace

/// The machine that reads one pickle. Protocol: Python's pickletools.
class PickleReader {
 public:
  explicit PickleReader(std::span<const std::byte> bytes)
      : bytes_(bytes), budget_(std::min(most_copied_per_byte * bytes.size(), most_copied)) {}

  Pickle run() {
    none_ = add(Kind::none);
    true_ = add(Kind::boolean);
    pickle_.values_[true_].integer = 1;
    false_ = add(Kind::boolean);
    while (!step()) {
    }
    pickle_.root_ = pop();
    return std::move(pickle_);
  }

  /// Bytes read so far.
  [[nodiscard]] std::size_t size() const noexcept { return at_; }

 private:
  Index add(Kind kind) {
    if (pickle_.values_.size() >= most_values) refuse_pickle("it holds too many values");
    pickle_.values_.emplace_back().kind = kind;
    return static_cast<Index>(pickle_.values_.size() - 1);
  }
  void spend(std::size_t bytes) {
    if (bytes > budget_) refuse_pickle("it copies the same values too often");
    budget_ -= bytes;
  }
  PickleValue& value(Index index) { return pickle_.values_[index]; }

  void push(Index index) {
    if (stack_.size() >= most_values) refuse_pickle("it nests too many values");
    stack_.push_back(index);
  }
  Index pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))
      refuse_pickle("it takes from an empty stack");
    const Index index = stack_.back();
    stack_.pop_back();
    return index;
  }
  Index top() {
    const Index index = pop();
    stack_.push_back(index);
    return index;
  }
  /// Takes what lies above the last mark.
  std::vector<Index> pop_to_mark() {
    if (marks_.empty()) refuse_pickle("a mark is missing");
    const std::size_t mark = marks_.back();
    marks_.pop_back();
    std::vector<Index> items(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark);
    return items;
  }

  std::span<const std::byte> take(std::uint64_t size) {
    if (size > bytes_.size() - at_) refuse_pickle("it ends too early");
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size);
    return part;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t result = 0;
    const auto raw = take(size);
    for (std::size_t i = 0; i < size; ++i) result |= std::to_integer<std::uint64_t>(raw[i]) << (8 * i);
    return result;
  }
  static std::string text(std::span<const std::byte> raw) {
    std::string result(raw.size(), '\0');
    if (!raw.empty()) std::memcpy(result.data(), raw.data(), raw.size());
    return result;
  }
  std::string line() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    if (end == rest.end()) refuse_pickle("a line does not end");
    std::string result = text(take(static_cast<std::uint64_t>(end - rest.begin())));
    at_ += 1;
    return result;
  }

  void push_text(Kind kind, std::string content) {
    spend(content.size());
    const Index index = add(kind);
    value(index).text = std::move(content);
    push(index);
  }
  void push_integer(std::int64_t content) {
    const Index index = add(Kind::integer);
    value(index).integer = content;
    push(index);
  }
  void push_items(Kind kind, std::vector<Index> items) {
    spend(items.size() * sizeof(Index));
    const Index index = add(kind);
    value(index).items = std::move(items);
    push(index);
  }
  void push_tuple(std::size_t size) {
    std::vector<Index> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    push_items(Kind::tuple, std::move(items));
  }
  void store(std::uint64_t key) {
    const Index index = top();
    if (memo_.size() >= most_values) refuse_pickle("it stores too many values");
    memo_[key] = index;
  }
  void push_memo(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse_pickle("it refers to what was not stored");
    push(found->second);
  }
  /// The text that names a module, a class or a storage.
  const std::string& name(Index index) {
    if (value(index).kind != Kind::text || value(index).text.size() > longest_name) refuse_pickle("a name is none");
    return value(index).text;
  }
  const std::string& name_of_class(Index index) {
    if (value(index).kind != Kind::global && value(index).kind != Kind::opaque)
      refuse_pickle("it makes an object of no class");
    return value(index).text;
  }
  void push_global(const std::string& module, const std::string& name) {
    if (std::max(module.size(), name.size()) > longest_name) refuse_pickle("a name is none");
    const std::string full = module + "." + name;
    if (is_harmful(module, name)) {
      throw ModelError(
          {.problem = "its pickle asks for '" + full + "', which a checkpoint has no use for and which was not run",
           .remedy = "do not trust this file"});
    }
    push_text(Kind::global, full);
  }
  void push_long(std::size_t size) {
    const auto raw = take(size);
    if (size > sizeof(std::int64_t)) {
      // Magic numbers and random states, of no use here, and no part of one is the number.
      push(add(Kind::bytes));
      return;
    }
    std::uint64_t result = size > 0 && (std::to_integer<unsigned>(raw[size - 1]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < size; ++i) {
      result = (result & ~(std::uint64_t{0xff} << (8 * i))) | std::to_integer<std::uint64_t>(raw[i]) << (8 * i);
    }
    push_integer(static_cast<std::int64_t>(result));
  }

  /// A dict, list or opaque object takes items; anything else cannot.
  PickleValue& container() {
    PickleValue& target = value(top());
    if (target.kind != Kind::list && target.kind != Kind::dict && target.kind != Kind::opaque)
      refuse_pickle("items go into what holds none");
    return target;
  }
  void append(const std::vector<Index>& items, bool pairs) {
    PickleValue& target = container();
    if (target.kind == Kind::opaque) return;
    if ((target.kind == Kind::dict) != pairs || (pairs && items.size() % 2 != 0))
      refuse_pickle("items of the wrong kind");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  /// Calls nothing: recognises the few functions whose result is plain data.
  void reduce() {
    const Index arguments = pop();
    const Index function = pop();
    const std::string& name = value(function).text;
    const bool callable = value(function).kind == Kind::global || value(function).kind == Kind::opaque;
    if (!callable || value(arguments).kind != Kind::tuple) refuse_pickle("it calls what is no function");
    const std::vector<Index>& items = value(arguments).items;
    if (name == "collections.OrderedDict") {
      push_ordered_dict(items);
    } else if (name == "torch._utils._rebuild_tensor_v2" && items.size() >= 4) {
      push_items(Kind::tensor, {items[0], items[1], items[2], items[3]});
    } else if ((name == "torch._utils._rebuild_parameter" && !items.empty()) ||
               (name == "torch.Size" && items.size() == 1)) {
      push(items[0]);
    } else {
      push_text(Kind::opaque, name);
    }
  }
  void push_ordered_dict(const std::vector<Index>& arguments) {
    std::vector<Index> pairs;
    if (arguments.size() == 1) {
      for (const Index pair : value(arguments[0]).items) {
        if (value(pair).items.size() != 2) refuse_pickle("a dictionary is made of what is no pair");
        pairs.insert(pairs.end(), value(pair).items.begin(), value(pair).items.end());
      }
    }
    push_items(Kind::dict, std::move(pairs));
  }
  void push_storage() {
    const PickleValue& id = value(pop());
    const bool known = id.kind == Kind::tuple && id.items.size() >= 5 && value(id.items[0]).text == "storage" &&
                       value(id.items[1]).kind == Kind::global && value(id.items[4]).kind == Kind::integer;
    if (!known) refuse_pickle("it refers to a storage in a way that torch.save does not");
    // Before PyTorch 0.4 a storage could be a window into another.
    if (id.items.size() > 5 && value(id.items[5]).kind != Kind::none) refuse_pickle("it holds a view of a storage");
    (void)name(id.items[2]);
    push_items(Kind::storage, {id.items[1], id.items[2], id.items[4]});
  }

  /// One opcode. True at the end.
  bool step() {
    const auto opcode = static_cast<unsigned char>(number(1));
    // A table.
    // clang-format off
    switch (opcode) {
      case 0x80: number(1); break;                                    // PROTO
      case 0x95: number(8); break;                                    // FRAME
      case '.': return true;                                          // STOP
      case '(': push_mark(); break;                                   // MARK
      case '0': pop(); break;                                         // POP
      case '1': pop_to_mark(); break;                                 // POP_MARK
      case '2': push(top()); break;                                   // DUP
      case 'N': push(none_); break;                                   // NONE
      case 0x88: push(true_); break;                                  // NEWTRUE
      case 0x89: push(false_); break;                                 // NEWFALSE
      case 'J': push_integer(static_cast<std::int32_t>(number(4))); break;  // BININT
      case 'K': push_integer(static_cast<std::int64_t>(number(1))); break;  // BININT1
      case 'M': push_integer(static_cast<std::int64_t>(number(2))); break;  // BININT2
      case 0x8a: push_long(number(1)); break;                         // LONG1
      case 'G': push_real(); break;                                   // BINFLOAT
      case 'X': push_text(Kind::text, text(take(number(4)))); break;  // BINUNICODE
      case 0x8c: push_text(Kind::text, text(take(number(1)))); break; // SHORT_BINUNICODE
      case 0x8d: push_text(Kind::text, text(take(number(8)))); break; // BINUNICODE8
      case 'U': push_text(Kind::text, text(take(number(1)))); break;  // SHORT_BINSTRING
      case 'T': push_text(Kind::text, text(take(number(4)))); break;  // BINSTRING
      case 'B': push_text(Kind::bytes, text(take(number(4)))); break; // BINBYTES
      case 'C': push_text(Kind::bytes, text(take(number(1)))); break; // SHORT_BINBYTES
      case '}': push(add(Kind::dict)); break;                         // EMPTY_DICT
      case ']': case 0x8f: push(add(Kind::list)); break;              // EMPTY_LIST, EMPTY_SET
      case ')': push(add(Kind::tuple)); break;                        // EMPTY_TUPLE
      case 't': push_items(Kind::tuple, pop_to_mark()); break;        // TUPLE
      case 0x85: push_tuple(1); break;                                // TUPLE1
      case 0x86: push_tuple(2); break;                                // TUPLE2
      case 0x87: push_tuple(3); break;                                // TUPLE3
      case 'a': { const Index item = pop(); append({item}, false); break; }           // APPEND
      case 'e': case 0x90: append(pop_to_mark(), false); break;       // APPENDS, ADDITEMS
      case 's': { const Index item = pop(); const Index key = pop(); append({key, item}, true); break; }  // SETITEM
      case 'u': append(pop_to_mark(), true); break;                   // SETITEMS
      case 'q': store(number(1)); break;                              // BINPUT
      case 'r': store(number(4)); break;                              // LONG_BINPUT
      case 0x94: store(memo_.size()); break;                          // MEMOIZE
      case 'h': push_memo(number(1)); break;                          // BINGET
      case 'j': push_memo(number(4)); break;                          // LONG_BINGET
      case 'c': { const std::string module = line(); push_global(module, line()); break; }  // GLOBAL
      case 0x93: { const std::string& last = name(pop()); push_global(name(pop()), last); break; }  // STACK_GLOBAL
      case 'R': reduce(); break;                                      // REDUCE
      case 0x81: reduce_new(); break;                                 // NEWOBJ
      case 'b': pop(); top(); break;                                  // BUILD: attributes, of no use here
      case 'Q': push_storage(); break;                                // BINPERSID
      default: refuse_pickle("opcode " + std::to_string(opcode) + " is not one that torch.save writes");
    }
    // clang-format on
    return false;
  }
  void push_mark() {
    if (marks_.size() >= most_values) refuse_pickle("it nests too deep");
    marks_.push_back(stack_.size());
  }
  void push_real() {
    const auto raw = take(8);  // big-endian
    std::uint64_t bits = 0;
    for (const std::byte b : raw) bits = bits << 8U | std::to_integer<std::uint64_t>(b);
    const Index index = add(Kind::real);
    value(index).real = std::bit_cast<double>(bits);
    push(index);
  }
  void reduce_new() {
    pop();
    push_text(Kind::opaque, name_of_class(pop()));
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::size_t budget_;
  Pickle pickle_;
  std::vector<Index> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, Index>
      memo_;  // ordered: whoever wrote the file chose the keys, and could make hashes collide
  Index none_ = 0, true_ = 0, false_ = 0;
};

Pickle Pickle::read(std::span<const std::byte> bytes) { return read_first(bytes); }

Pickle Pickle::read_first(std::span<const std::byte>& bytes) {
  PickleReader reader(bytes);
  Pickle pickle = reader.run();
  bytes = bytes.subspan(reader.size());
  return pickle;
}

const PickleValue* Pickle::find(const PickleValue& dict, const std::string& key) const {
  if (dict.kind != Kind::dict) return nullptr;
  // Of two equal keys the later counts, as in Python.
  for (std::size_t i = dict.items.size(); i >= 2; i -= 2) {
    const PickleValue& candidate = values_[dict.items[i - 2]];
    if (candidate.kind == Kind::text && candidate.text == key) return &values_[dict.items[i - 1]];
  }
  return nullptr;
}

}  // namespace stagemark
