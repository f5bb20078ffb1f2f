#include "model/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

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

/// The code point as UTF-8.
void append_code_point(std::string& text, std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xc0U | point >> 6U);
    add(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    add(0xe0U | point >> 12U);
    add(0x80U | (point >> 6U & 0x3fU));
    add(0x80U | (point & 0x3fU));
  } else {
    add(0xf0U | (point >> 18U & 0x07U));
    add(0x80U | (point >> 12U & 0x3fU));
    add(0x80U | (point >> 6U & 0x3fU));
    add(0x80U | (point & 0x3fU));
  }
}

/// Takes a number of so many hexadecimal digits.
std::uint32_t take_hexadecimal(std::string_view& text, std::size_t digits) {
  std::uint32_t value = 0;
  const std::string_view number = text.substr(0, digits);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, 16);
  if (error != std::errc() || end != number.data() + digits) refuse_pickle("a character is written as no number");
  text.remove_prefix(digits);
  return value;
}

/// Python's raw-unicode-escape, in which protocol 0 writes text.
std::string decode_unicode(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with("\\u") || text.starts_with("\\U")) {
      const std::size_t digits = text[1] == 'u' ? 4 : 8;
      text.remove_prefix(2);
      append_code_point(result, take_hexadecimal(text, digits));
    } else {
      append_code_point(result, static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    }
  }
  return result;
}

/// What stands between the quotes of a Python 2 string.
std::string decode_quoted(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back() || (text.front() != '\'' && text.front() != '"')) {
    refuse_pickle("a string has no quotes");
  }
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view written = "ntr\\'\"abfv";
  constexpr std::string_view meant = "\n\t\r\\'\"\a\b\f\v";
  std::string result;
  while (!text.empty()) {
    const char first = text.front();
    text.remove_prefix(1);
    const std::size_t escape = first == '\\' && !text.empty() ? written.find(text.front()) : std::string_view::npos;
    if (first == '\\' && text.starts_with('x')) {
      text.remove_prefix(1);
      result += static_cast<char>(take_hexadecimal(text, 2));
    } else if (escape != std::string_view::npos) {
      result += meant[escape];
      text.remove_prefix(1);
    } else {
      result += first;
    }
  }
  return result;
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
  /// Whether something lies above the last mark.
  [[nodiscard]] bool has_top() const { return stack_.size() > (marks_.empty() ? 0 : marks_.back()); }
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
    push_literal(kind, std::move(content));
  }
  /// What the file itself spells out is no larger than the file.
  void push_literal(Kind kind, std::string content) {
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
    push_text(Kind::global, module + "." + name);
  }
  void push_long(std::uint64_t size) {
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

  /// A decimal number and no more, which may be too large for 64 bits.
  static std::optional<std::int64_t> decimal(std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (rest != end || (error != std::errc() && error != std::errc::result_out_of_range) || text.empty())
      refuse_pickle("a number is none");
    return error == std::errc() ? std::optional(value) : std::nullopt;
  }
  void push_decimal(std::string_view text) {
    if (const auto value = decimal(text)) {
      push_integer(*value);
    } else {
      push(add(Kind::bytes));
    }
  }
  /// INT: a number, or how protocols 0 and 1 write what is true or false.
  void push_integer_line() {
    const std::string text = line();
    if (text == "00" || text == "01") return push(text == "01" ? true_ : false_);
    push_decimal(text);
  }
  void push_long_line() {
    const std::string text = line();
    push_decimal(std::string_view(text).substr(0, text.size() - (text.ends_with('L') ? 1 : 0)));
  }
  void push_real_line() {
    const std::string text = line();
    double parsed = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, parsed);
    if (rest != end || error == std::errc::invalid_argument) refuse_pickle("a number is none");
    const Index index = add(Kind::real);
    value(index).real = parsed;
    push(index);
  }
  /// The key of a memo, in digits.
  std::uint64_t key_line() {
    const auto key = decimal(line());
    if (!key || *key < 0) refuse_pickle("a number is none");
    return static_cast<std::uint64_t>(*key);
  }
  /// A length in four bytes with a sign.
  std::uint64_t signed_size() {
    const auto size = static_cast<std::int32_t>(number(4));
    if (size < 0) refuse_pickle("a length is negative");
    return static_cast<std::uint64_t>(size);
  }
  void begin_protocol() {
    const std::uint64_t protocol = number(1);
    constexpr std::uint64_t newest_protocol = 5;
    if (protocol > newest_protocol) {
      refuse_pickle("it is of protocol " + std::to_string(protocol) + ", and Python's newest is 5");
    }
  }
  void begin_frame() {
    if (number(8) > bytes_.size() - at_) refuse_pickle("it ends too early");
  }
  /// As Python: with nothing above the last mark it is the mark that goes.
  void drop() {
    if (has_top() || marks_.empty()) {
      pop();
    } else {
      marks_.pop_back();
    }
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

  /// REDUCE: a function and a tuple of arguments.
  void reduce() {
    const PickleValue& arguments = value(pop());
    const PickleValue& function = value(pop());
    const bool callable = function.kind == Kind::global || function.kind == Kind::opaque;
    if (!callable || arguments.kind != Kind::tuple) refuse_pickle("it calls what is no function");
    call(function.text, arguments.items);
  }
  /// Calls nothing: recognises the few functions whose result is plain data. What any other would make stays opaque, and
  /// whether that matters is for whoever needs it.
  void call(const std::string& name, const std::vector<Index>& items) {
    if (name == "torch._tensor._rebuild_from_type_v2" && items.size() >= 3 && value(items[0]).kind == Kind::global &&
        value(items[2]).kind == Kind::tuple && value(items[0]).text != name) {
      // A tensor with attributes of its own: function, type, arguments, state.
      call(value(items[0]).text, value(items[2]).items);
    } else if (name == "collections.OrderedDict" || name == "builtins.dict" || name == "__builtin__.dict") {
      push_dict(name, items);
    } else if ((name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor") &&
               items.size() >= 4) {
      std::vector<Index> parts(items.begin(), items.begin() + 4);
      // Behind whether it asks for a gradient, and its hooks.
      if (items.size() > 6) parts.push_back(items[6]);
      push_items(Kind::tensor, std::move(parts));
    } else if (((name == "torch._utils._rebuild_parameter" || name == "torch._utils._rebuild_parameter_with_state") &&
                !items.empty()) ||
               (name == "torch.Size" && items.size() == 1)) {
      push(items[0]);
    } else {
      push_text(Kind::opaque, class_made_by(name, items));
    }
  }
  /// Whose object it is: a class that is reached through another, and what is made of a class by its name, are named so.
  std::string class_made_by(const std::string& name, const std::vector<Index>& items) {
    const bool reaches = name == "builtins.getattr" || name == "__builtin__.getattr";
    const bool makes = name == "copyreg._reconstructor" || name == "copy_reg._reconstructor" ||
                       name == "copyreg.__newobj__" || name == "copyreg.__newobj_ex__";
    if ((!reaches && !makes) || items.empty()) return name;
    const PickleValue& first = value(items[0]);
    if (first.kind != Kind::global && first.kind != Kind::opaque) return name;
    if (makes) return first.text;
    if (items.size() != 2 || value(items[1]).kind != Kind::text) return name;
    const std::string& attribute = value(items[1]).text;
    return first.text.size() + attribute.size() > longest_name ? first.text : first.text + "." + attribute;
  }
  void push_dict(const std::string& name, const std::vector<Index>& arguments) {
    if (arguments.empty()) return push(add(Kind::dict));
    const PickleValue& content = value(arguments[0]);
    if (content.kind == Kind::dict) return push_items(Kind::dict, content.items);
    if (arguments.size() != 1 || (content.kind != Kind::list && content.kind != Kind::tuple)) {
      return push_text(Kind::opaque, name);
    }
    std::vector<Index> pairs;
    for (const Index pair : content.items) {
      if (value(pair).items.size() != 2) refuse_pickle("a dictionary is made of what is no pair");
      pairs.insert(pairs.end(), value(pair).items.begin(), value(pair).items.end());
    }
    push_items(Kind::dict, std::move(pairs));
  }
  /// INST and OBJ: a class and, above the mark, the arguments of its constructor.
  void push_instance_of_name() {
    const std::string module = line();
    push_global(module, line());
    const std::string& name = value(pop()).text;
    call(name, pop_to_mark());
  }
  void push_instance_of_class() {
    std::vector<Index> items = pop_to_mark();
    if (items.empty()) refuse_pickle("it makes an object of no class");
    const std::string& name = name_of_class(items.front());
    items.erase(items.begin());
    call(name, items);
  }
  /// What torch.save keeps outside of the pickle: a storage, or before PyTorch 1.6 the class of a module.
  void push_persistent(Index index) {
    const PickleValue& id = value(index);
    const bool known = id.kind == Kind::tuple && id.items.size() >= 5 && value(id.items[0]).text == "storage" &&
                       value(id.items[1]).kind == Kind::global && value(id.items[2]).kind == Kind::text &&
                       value(id.items[2]).text.size() <= longest_name && value(id.items[4]).kind == Kind::integer;
    if (!known) {
      const bool names = id.kind == Kind::tuple && id.items.size() >= 2 && value(id.items[1]).kind == Kind::global;
      return push_text(Kind::opaque, names ? value(id.items[1]).text : "an object that lies outside of the pickle");
    }
    std::vector<Index> items = {id.items[1], id.items[2], id.items[4]};
    // Before PyTorch 0.4 a storage could be a window into another.
    if (id.items.size() > 5 && value(id.items[5]).kind != Kind::none) items.push_back(id.items[5]);
    push_items(Kind::storage, std::move(items));
  }
  /// The same as Python prints it, which is how protocol 0 writes it.
  void push_persistent_line() {
    const std::string id = line();
    spend(id.size());
    std::string_view rest = id;
    const auto take_until = [&](std::string_view end) {
      const std::size_t at = std::min(rest.find(end), rest.size());
      std::string part(rest.substr(0, at));
      rest.remove_prefix(std::min(at + end.size(), rest.size()));
      return part;
    };
    const bool storage = take_until("<class '") == "('storage', ";
    const std::string type = take_until("'>, '");
    const std::string key = take_until("', '");
    take_until("', ");  // where it lay
    const auto elements = rest.substr(0, rest.find_first_not_of("0123456789"));
    rest.remove_prefix(elements.size());
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(elements.data(), elements.data() + elements.size(), count);
    const bool known = storage && std::max(type.size(), key.size()) <= longest_name && error == std::errc() &&
                       count <= std::numeric_limits<std::int64_t>::max() && (rest == ", None)" || rest == ")");
    if (!known) return push_text(Kind::opaque, "an object that lies outside of the pickle");
    const std::vector<Index> items = {add(Kind::global), add(Kind::text), add(Kind::integer)};
    value(items[0]).text = type;
    value(items[1]).text = key;
    value(items[2]).integer = static_cast<std::int64_t>(count);
    push_items(Kind::storage, items);
  }

  /// One opcode. True at the end.
  bool step() {
    const auto opcode = static_cast<unsigned char>(number(1));
    // A table.
    // clang-format off
    switch (opcode) {
      case 0x80: begin_protocol(); break;                             // PROTO
      case 0x95: begin_frame(); break;                                // FRAME
      case '.': return true;                                          // STOP
      case '(': push_mark(); break;                                   // MARK
      case '0': drop(); break;                                        // POP
      case '1': pop_to_mark(); break;                                 // POP_MARK
      case '2': push(top()); break;                                   // DUP
      case 'N': push(none_); break;                                   // NONE
      case 0x88: push(true_); break;                                  // NEWTRUE
      case 0x89: push(false_); break;                                 // NEWFALSE
      case 'J': push_integer(static_cast<std::int32_t>(number(4))); break;  // BININT
      case 'K': push_integer(static_cast<std::int64_t>(number(1))); break;  // BININT1
      case 'M': push_integer(static_cast<std::int64_t>(number(2))); break;  // BININT2
      case 'I': push_integer_line(); break;                           // INT
      case 'L': push_long_line(); break;                              // LONG
      case 0x8a: push_long(number(1)); break;                         // LONG1
      case 0x8b: push_long(signed_size()); break;                     // LONG4
      case 'F': push_real_line(); break;                              // FLOAT
      case 'G': push_real(); break;                                   // BINFLOAT
      case 'V': push_literal(Kind::text, decode_unicode(line())); break; // UNICODE
      case 'X': push_literal(Kind::text, text(take(number(4)))); break;  // BINUNICODE
      case 0x8c: push_literal(Kind::text, text(take(number(1)))); break; // SHORT_BINUNICODE
      case 0x8d: push_literal(Kind::text, text(take(number(8)))); break; // BINUNICODE8
      case 'U': push_literal(Kind::text, text(take(number(1)))); break;  // SHORT_BINSTRING
      case 'S': push_literal(Kind::text, decode_quoted(line())); break;  // STRING
      case 'T': push_literal(Kind::text, text(take(signed_size()))); break;  // BINSTRING
      case 'B': push_literal(Kind::bytes, text(take(number(4)))); break; // BINBYTES
      case 0x8e: case 0x96: push_literal(Kind::bytes, text(take(number(8)))); break;  // BINBYTES8, BYTEARRAY8
      case 'C': push_literal(Kind::bytes, text(take(number(1)))); break; // SHORT_BINBYTES
      case '}': push(add(Kind::dict)); break;                         // EMPTY_DICT
      case ']': case 0x8f: push(add(Kind::list)); break;              // EMPTY_LIST, EMPTY_SET
      case ')': push(add(Kind::tuple)); break;                        // EMPTY_TUPLE
      case 'd': push_items(Kind::dict, pairs_to_mark()); break;            // DICT
      case 'l': case 0x91: push_items(Kind::list, pop_to_mark()); break;  // LIST, FROZENSET
      case 't': push_items(Kind::tuple, pop_to_mark()); break;        // TUPLE
      case 0x85: push_tuple(1); break;                                // TUPLE1
      case 0x86: push_tuple(2); break;                                // TUPLE2
      case 0x87: push_tuple(3); break;                                // TUPLE3
      case 'a': { const Index item = pop(); append({item}, false); break; }           // APPEND
      case 'e': case 0x90: append(pop_to_mark(), false); break;       // APPENDS, ADDITEMS
      case 's': { const Index item = pop(); const Index key = pop(); append({key, item}, true); break; }  // SETITEM
      case 'u': append(pop_to_mark(), true); break;                   // SETITEMS
      case 'p': store(key_line()); break;                             // PUT
      case 'q': store(number(1)); break;                              // BINPUT
      case 'r': store(number(4)); break;                              // LONG_BINPUT
      case 0x94: store(memo_.size()); break;                          // MEMOIZE
      case 'g': push_memo(key_line()); break;                         // GET
      case 'h': push_memo(number(1)); break;                          // BINGET
      case 'j': push_memo(number(4)); break;                          // LONG_BINGET
      case 'c': { const std::string module = line(); push_global(module, line()); break; }  // GLOBAL
      case 0x93: { const std::string& last = name(pop()); push_global(name(pop()), last); break; }  // STACK_GLOBAL
      case 0x82: push_extension(1); break;                            // EXT1
      case 0x83: push_extension(2); break;                            // EXT2
      case 0x84: push_extension(4); break;                            // EXT4
      case 'R': reduce(); break;                                      // REDUCE
      case 'i': push_instance_of_name(); break;                       // INST
      case 'o': push_instance_of_class(); break;                      // OBJ
      case 0x92: pop(); reduce_new(); break;                          // NEWOBJ_EX: keyword arguments
      case 0x81: reduce_new(); break;                                 // NEWOBJ
      case 'b': pop(); top(); break;                                  // BUILD: attributes, of no use here
      case 'P': push_persistent_line(); break;                        // PERSID
      case 'Q': push_persistent(pop()); break;                        // BINPERSID
      case 0x97: push_text(Kind::opaque, "a buffer that lies outside of the pickle"); break;  // NEXT_BUFFER
      case 0x98: top(); break;                                        // READONLY_BUFFER
      default: refuse_pickle("Python has no opcode " + std::to_string(opcode));
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
    const std::string& name = name_of_class(pop());
    if (name == "collections.OrderedDict") return push(add(Kind::dict));
    push_text(Kind::opaque, name);
  }
  std::vector<Index> pairs_to_mark() {
    std::vector<Index> pairs = pop_to_mark();
    if (pairs.size() % 2 != 0) refuse_pickle("items of the wrong kind");
    return pairs;
  }
  /// A class of which the file has only a number, agreed upon elsewhere.
  void push_extension(std::size_t size) { push_text(Kind::opaque, "extension " + std::to_string(number(size))); }

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
