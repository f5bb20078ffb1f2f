#include "model/state_dict.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using Kind = PickleValue::Kind;

/// Whether the names are those of a network that is known, behind a prefix or without: the stem's convolution.
constexpr std::array<std::string_view, 2> stems = {"conv1.weight", "features.0.weight"};
/// A tensor of another part of the same network.
constexpr std::array<std::string_view, 2> blocks = {"layer1.0.conv1.weight", "features.4.0.conv1.weight"};

/// An average over the training, such as "state_dict_ema" and "swa_model": a word of the key says so.
bool is_average(std::string_view key) {
  std::string word;
  for (std::size_t i = 0; i <= key.size(); ++i) {
    const int c = i < key.size() ? static_cast<unsigned char>(key[i]) : '.';
    if (std::isalpha(c) != 0) {
      word += static_cast<char>(std::tolower(c));
      continue;
    }
    if (word == "ema" || word == "swa" || word.starts_with("averag")) return true;
    word.clear();
  }
  return false;
}

/// Looks for the network's tensors in a pickle: in the outermost value, in what it holds, and in what that holds.
class StateDictFinder {
 public:
  explicit StateDictFinder(const Pickle& pickle) : pickle_(pickle) {
    add({{}, &pickle.root(), 0});
    for (std::size_t next = 0; next < candidates_.size();) {
      const StateDictPlace candidate = candidates_[next++];  // a copy: what is found goes beside it
      if (candidate.depth < deepest) add_parts(candidate);
    }
    std::erase_if(candidates_, [](const StateDictPlace& candidate) { return candidate.dict->kind != Kind::dict; });
    for (const StateDictPlace& candidate : candidates_) ranks_.push_back(rank(candidate));
  }

  /// The best by the rule that `Checkpoint` states; null where nothing holds tensors.
  [[nodiscard]] const StateDictPlace* best() const {
    const auto first = std::ranges::min_element(ranks_);
    if (first == ranks_.end() || (*first)[0] == nothing) return nullptr;
    return &candidates_[static_cast<std::size_t>(first - ranks_.begin())];
  }
  [[nodiscard]] bool is_network(const StateDictPlace& candidate) const { return rank(candidate)[0] == network; }

  /// Keys of the other networks in the file.
  [[nodiscard]] std::vector<std::string> others(const StateDictPlace& chosen) const {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (ranks_[i][0] == network && candidates_[i].dict != chosen.dict) keys.push_back(candidates_[i].key);
    }
    return keys;
  }

 private:
  using Rank = std::array<int, 4>;
  static constexpr int deepest = 2;
  /// More than the first two levels of any checkpoint have.
  static constexpr std::size_t most_candidates = 10'000;
  static constexpr int network = 0, tensors = 1, nothing = 2;

  void add(StateDictPlace candidate) {
    // Each value once: a few bytes can refer to one dictionary again and again.
    if (candidates_.size() >= most_candidates || !seen_.insert(candidate.dict).second) return;
    std::ranges::replace_if(candidate.key, is_control, '?');
    candidates_.push_back(std::move(candidate));
  }

  void add_parts(const StateDictPlace& whole) {
    const std::string prefix = whole.key.empty() ? "" : whole.key + ".";
    const auto& items = whole.dict->items;
    const int depth = whole.depth + 1;
    if (whole.dict->kind == Kind::dict) {
      // Of two equal keys the later counts, as in Python.
      std::map<std::string, std::size_t> last;
      for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (const auto name = name_of(pickle_[items[i]])) last[*name] = i;
      }
      for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        const PickleValue& value = pickle_[items[i + 1]];
        const auto name = name_of(pickle_[items[i]]);
        if (name && holds_others(value) && last.at(*name) == i) add({prefix + *name, &value, depth});
      }
    } else {
      for (std::size_t i = 0; i < items.size(); ++i) {
        const PickleValue& value = pickle_[items[i]];
        if (holds_others(value)) add({prefix + std::to_string(i), &value, depth});
      }
    }
  }

  /// Of a key: text, or the number of a fold.
  static std::optional<std::string> name_of(const PickleValue& key) {
    if (key.kind == Kind::integer) return std::to_string(key.integer);
    if (key.kind != Kind::text || key.text.size() > longest_name) return std::nullopt;
    return key.text;
  }

  static bool holds_others(const PickleValue& value) {
    return !value.items.empty() && (value.kind == Kind::dict || value.kind == Kind::list || value.kind == Kind::tuple);
  }

  [[nodiscard]] Rank rank(const StateDictPlace& candidate) const {
    bool has_stem = false;
    bool has_block = false;
    bool has_tensor = false;
    const auto& items = candidate.dict->items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const PickleValue& key = pickle_[items[i]];
      if (key.kind != Kind::text || pickle_[items[i + 1]].kind != Kind::tensor) continue;
      has_tensor = true;
      const auto ends = [&](std::string_view end) { return key.text.ends_with(end); };
      has_stem = has_stem || std::ranges::any_of(stems, ends);
      has_block = has_block || std::ranges::any_of(blocks, ends);
    }
    const int holds = has_stem && has_block ? network : (has_tensor ? tensors : nothing);
    constexpr std::array<std::string_view, 4> usual = {"state_dict", "model", "model_state_dict", "net"};
    const std::string_view first = std::string_view(candidate.key).substr(0, candidate.key.find('.'));
    const auto* const place = candidate.key.empty() ? usual.end() : std::ranges::find(usual, first);
    return {holds, is_average(candidate.key) ? 1 : 0,
            static_cast<int>(place - usual.begin()) + (candidate.key.empty() || place != usual.end() ? 0 : 1),
            candidate.depth};
  }

  const Pickle& pickle_;
  std::vector<StateDictPlace> candidates_;
  std::vector<Rank> ranks_;
  std::set<const PickleValue*> seen_;
};

/// NumPy 2 has other names for its modules, and from protocol 5 on its arrays are made of a buffer.
bool is_numpy_array(std::string_view made_by) {
  return (made_by.starts_with("numpy.core.") || made_by.starts_with("numpy._core.")) &&
         (made_by.ends_with(".multiarray._reconstruct") || made_by.ends_with(".numeric._frombuffer"));
}

/// Refuses a network of arrays, wherever it lies.
void refuse_arrays(const Pickle& pickle) {
  for (const PickleValue& dict : pickle.values()) {
    if (dict.kind != Kind::dict) continue;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleValue& key = pickle[dict.items[i]];
      const PickleValue& value = pickle[dict.items[i + 1]];
      const auto ends = [&](std::string_view end) { return key.text.ends_with(end); };
      if (!is_object(value) || !is_numpy_array(value.text) || std::ranges::none_of(stems, ends)) continue;
      refuse_object(value.text, key.text.substr(0, longest_name), {});
    }
  }
}

/// Refuses a file without tensors that can be read, for what it holds in their place.
[[noreturn]] void refuse_contents(const Pickle& pickle) {
  const PickleValue& root = pickle.root();
  for (std::size_t i = 0; root.kind == Kind::dict && i + 1 < root.items.size(); i += 2) {
    const PickleValue& key = pickle[root.items[i]];
    const PickleValue& value = pickle[root.items[i + 1]];
    if (key.kind == Kind::text && is_object(value)) {
      refuse_object(value.text, key.text.substr(0, longest_name), "save its state_dict");
    }
  }
  if (root.kind != Kind::dict)
    throw ModelError({.problem = "holds no dictionary of tensors", .remedy = "save a state_dict"});
  throw ModelError({.problem = "holds no tensors", .remedy = "save a state_dict"});
}

}  // namespace

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_harmful(std::string_view name) {
  constexpr std::array<std::string_view, 12> modules = {"os",    "posix",  "nt",        "subprocess",
                                                        "sys",   "shutil", "socket",    "pty",
                                                        "runpy", "ctypes", "importlib", "webbrowser"};
  constexpr std::array<std::string_view, 8> functions = {"eval",       "exec",    "compile", "open",
                                                         "__import__", "getattr", "setattr", "execfile"};
  const std::string_view top = name.substr(0, name.find('.'));
  if (std::ranges::find(modules, top) != modules.end()) return true;
  if (top != "builtins" && top != "__builtin__") return false;
  name.remove_prefix(std::min(top.size() + 1, name.size()));
  return std::ranges::find(functions, name.substr(0, name.find('.'))) != functions.end();
}

void refuse_object(const std::string& made_by, const std::string& key, const std::string& remedy) {
  if (is_harmful(made_by)) {
    throw ModelError(
        {.problem = "its pickle asks for '" + made_by + "', which a checkpoint has no use for and which was not run",
         .remedy = "do not trust this file"});
  }
  const std::string under = key.empty() ? "" : " under '" + key + "'";
  if (is_numpy_array(made_by)) {
    throw ModelError({.problem = "holds a NumPy array" + under + " where a tensor is wanted",
                      .remedy = "save tensors: torch.from_numpy(array) of each"});
  }
  throw ModelError(
      {.problem = "holds an object of class '" + made_by + "'" + under + ", and stagemark runs no code from a file",
       .remedy = remedy});
}

bool is_object(const PickleValue& value) { return value.kind == Kind::opaque || value.kind == Kind::global; }

StateDict state_dict_of(const Pickle& pickle) {
  const PickleValue& root = pickle.root();
  if (is_object(root)) refuse_object(root.text, {}, "save its state_dict: torch.save(model.state_dict(), FILE)");
  const StateDictFinder finder(pickle);
  const StateDictPlace* best = finder.best();
  if (best == nullptr || !finder.is_network(*best)) refuse_arrays(pickle);
  if (best == nullptr) refuse_contents(pickle);
  if (!finder.is_network(*best)) {
    // What is usually the network is an object, and these tensors are others.
    for (const char* key : {"state_dict", "model"}) {
      const PickleValue* inner = pickle.find(root, key);
      if (inner != nullptr && is_object(*inner)) refuse_object(inner->text, key, "save its state_dict");
    }
  }
  return {*best, finder.others(*best)};
}

std::string own_prefix(const std::map<std::string, StoredTensor>& tensors) {
  std::string chosen;
  for (const auto& [name, tensor] : tensors) {
    for (std::size_t i = 0; i < stems.size(); ++i) {
      if (!name.ends_with(stems[i])) continue;
      const std::string prefix = name.substr(0, name.size() - stems[i].size());
      if (prefix.empty()) return {};
      if (!prefix.ends_with('.') || !tensors.contains(prefix + std::string(blocks[i]))) continue;
      if (chosen.empty() || (is_average(chosen) && !is_average(prefix))) chosen = prefix;
    }
  }
  return chosen;
}

}  // namespace stagemark
