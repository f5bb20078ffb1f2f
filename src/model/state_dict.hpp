#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/pickle.hpp"
#include "stagemark/model/checkpoint.hpp"

namespace stagemark {

/// What could make a terminal do something, or an error look like two.
bool is_control(char c);

/// A dictionary that may be the network's.
struct StateDictPlace {
  std::string key;  ///< "state_dict", "model.state_dict"; empty for the file's outermost
  const PickleValue* dict = nullptr;
  int depth = 0;
};

/// The dictionary of the network's tensors, by the rule that `Checkpoint` states, and where it lies.
struct StateDict {
  StateDictPlace place;
  std::vector<std::string> others;  ///< keys of the other networks in the file
};

/// \throws ModelError that says what the file holds in its place
StateDict state_dict_of(const Pickle& pickle);

/// What stands before the names of the network, where it is none of the usual prefixes: "net.", "encoder.resnet.".
std::string own_prefix(const std::map<std::string, StoredTensor>& tensors);

/// Whether only a call could make it.
bool is_object(const PickleValue& value);

/// Modules whose functions no checkpoint needs and every attack uses. Nothing is ever called; whoever needs what they
/// would make is told what they are, so that nobody passes such a file on unaware.
bool is_harmful(std::string_view name);

/// Refuses what only a call could make. \param key under which it lies; empty for the whole file
[[noreturn]] void refuse_object(const std::string& made_by, const std::string& key, const std::string& remedy);

}  // namespace stagemark
