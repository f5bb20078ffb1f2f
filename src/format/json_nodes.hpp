#pragma once

#include <bitset>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "describe.hpp"
#include "json_node.hpp"
#include "json_types.hpp"

// Nodes for each shape of value in the report; `put` chooses.

namespace stagemark {

/// Puts the value that begins with `token` into `target`: at once if it is complete, else by the node
/// returned. \throws BadValue
template <class T>
std::unique_ptr<Node> put(T& target, Token& token);

class ArrayNode : public Node {
 public:
  std::unique_ptr<Node> take(Token& token) final {
    ++taken_;
    return take_element(token);
  }
  [[nodiscard]] std::string position() const final { return pointer_step(std::to_string(taken_ - 1)); }

 protected:
  virtual std::unique_ptr<Node> take_element(Token& token) = 0;
  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

 private:
  std::size_t taken_ = 0;
};

template <class T>
class ListNode final : public ArrayNode {
 public:
  explicit ListNode(std::vector<T>& target) : target_(target) { target_.clear(); }

 private:
  std::unique_ptr<Node> take_element(Token& token) override { return put(target_.emplace_back(), token); }

  std::vector<T>& target_;
};

template <class T>
class ColumnNode final : public ArrayNode {
 public:
  explicit ColumnNode(Column<T>& target) : target_(target) { target_.clear(); }

 private:
  std::unique_ptr<Node> take_element(Token& token) override {
    if (std::holds_alternative<std::nullptr_t>(token)) {
      target_.push_back(std::nullopt);
    } else {
      T value{};
      set(value, token);
      target_.push_back(std::move(value));
    }
    return nullptr;
  }

  Column<T>& target_;
};

/// An array of as many numbers as there are targets.
class NumbersNode final : public ArrayNode {
 public:
  explicit NumbersNode(std::vector<double*> targets) : targets_(std::move(targets)) {}

  void close() override {
    if (taken() != targets_.size()) throw_wrong_count();
  }

 private:
  std::unique_ptr<Node> take_element(Token& token) override {
    if (taken() > targets_.size()) throw_wrong_count();
    set(*targets_[taken() - 1], token);
    return nullptr;
  }

  [[noreturn]] void throw_wrong_count() const {
    throw BadValue{.problem = "expected " + std::to_string(targets_.size()) + " numbers"};
  }

  std::vector<double*> targets_;
};

class ObjectNode : public Node {
 public:
  void key(const std::string& name) final { key_ = name; }
  [[nodiscard]] std::string position() const final { return pointer_step(key_); }

 protected:
  [[nodiscard]] const std::string& current_key() const noexcept { return key_; }
  /// A name that stands twice is refused: JSON does not say which of the two values counts.
  [[nodiscard]] static BadValue twice() { return {.problem = "the name stands twice"}; }

 private:
  std::string key_;
};

template <class T>
class ByNameNode final : public ObjectNode {
 public:
  explicit ByNameNode(NamedValues<T>& target) : target_(target) { target_.clear(); }

  std::unique_ptr<Node> take(Token& token) override {
    return put(target_.emplace_back(current_key(), T()).second, token);
  }

 private:
  NamedValues<T>& target_;
};

template <class T>
class ByStageNode final : public ObjectNode {
 public:
  explicit ByStageNode(ByStage<T>& target) : target_(target) { target_.clear(); }

  std::unique_ptr<Node> take(Token& token) override {
    const std::optional<Stage> stage = parse_enum<Stage>(current_key());
    if (stage && target_.contains(*stage)) throw twice();
    return stage ? put(target_[*stage], token) : nullptr;
  }

 private:
  ByStage<T>& target_;
};

/// \throws BadValue if this version cannot read reports of that schema version
void check_schema_version(const std::string& version);

// What the types of the members alone do not rule out. \throws BadValue

/// Columns of unequal length, or a probability that is none.
void check_members(const PerImage& images);

// Of a load test: a rate, a time or a number that none can be, a share that is none, parts that are more than the whole,
// a capacity whose ends are crossed.
void check_members(const ServiceLevelReport& level);
void check_members(const ServingReport& settings);
void check_members(const LatencyReport& times);
void check_members(const LoadPointReport& point);
void check_members(const CapacityReport& capacity);
void check_members(const LoadResultReport& result);
void check_members(const CapacityRatioReport& ratio);
void check_members(const LoadReport& load);

/// An object whose members are described. Unknown names are passed over.
template <HasMembers R>
class MembersNode final : public ObjectNode {
 public:
  explicit MembersNode(R& target) : target_(target) {}

  std::unique_ptr<Node> take(Token& token) override {
    std::unique_ptr<Node> rest;
    std::size_t index = 0;
    auto fields = [&](std::string_view name, auto& member, const char* /*documentation*/, const char* /*unit*/) {
      if (name == current_key()) {
        if (seen_.test(index)) throw twice();
        seen_.set(index);
        rest = put(member, token);
      } else if (is_reason_of(name)) {
        take_reason(member, token);
      }
      ++index;
    };
    describe(fields, target_);
    if constexpr (std::same_as<R, Report>) check_schema_version(target_.schema_version);
    return rest;
  }

  void close() override {
    std::size_t index = 0;
    auto fields = [&](std::string_view name, auto& member, const char* /*documentation*/, const char* /*unit*/) {
      if (!seen_.test(index)) handle_missing(name, member);
      ++index;
    };
    describe(fields, target_);
    if constexpr (requires(const R& members) { check_members(members); }) check_members(target_);
  }

 private:
  [[nodiscard]] bool is_reason_of(std::string_view name) const {
    const std::string_view key = current_key();
    return key.size() == name.size() + reason_suffix.size() && key.starts_with(name) && key.ends_with(reason_suffix);
  }

  template <class T>
  static void take_reason(T& member, Token& token) {
    if constexpr (IsOrReason<T>) {
      std::string reason;
      set(reason, token);
      // An empty reason is treated as a missing one.
      if (!member && !reason.empty()) member.reason = std::move(reason);
    }
  }

  template <class T>
  static void handle_missing(std::string_view name, T& member) {
    if constexpr (IsOrReason<T>) {
      member = T::absent("not in this report");
    } else if constexpr (!IsOmissible<T>) {
      throw BadValue{.problem = "\"" + std::string(name) + "\" is missing"};
    }
  }

  R& target_;
  std::bitset<64> seen_;
};

template <class T>
std::unique_ptr<Node> put(T& target, Token& token) {
  if constexpr (IsOmissible<T>) {
    return put(target.emplace(), token);
  } else if constexpr (IsOrReason<T>) {
    if (std::holds_alternative<std::nullptr_t>(token)) {
      target.value.reset();  // the reason may have come first
      return nullptr;
    }
    target.reason.clear();
    return put(target.value.emplace(), token);
  } else if constexpr (IsList<T>) {
    require(Opening::array, token, "an array");
    return std::make_unique<ListNode<typename JsonShape<T>::Element>>(target);
  } else if constexpr (IsColumn<T>) {
    require(Opening::array, token, "an array");
    return std::make_unique<ColumnNode<typename JsonShape<T>::NullableElement>>(target);
  } else if constexpr (IsNumbers<T>) {
    require(Opening::array, token, "an array of numbers");
    std::vector<double*> targets;
    if constexpr (std::same_as<T, Interval>) {
      targets = {&target.low, &target.high};
    } else {
      for (double& number : target) targets.push_back(&number);
    }
    return std::make_unique<NumbersNode>(std::move(targets));
  } else if constexpr (IsByName<T>) {
    require(Opening::object, token, "an object");
    return std::make_unique<ByNameNode<typename JsonShape<T>::ValueByName>>(target);
  } else if constexpr (IsByStage<T>) {
    require(Opening::object, token, "an object");
    return std::make_unique<ByStageNode<typename JsonShape<T>::ValueByStage>>(target);
  } else if constexpr (HasMembers<T>) {
    require(Opening::object, token, "an object");
    return std::make_unique<MembersNode<T>>(target);
  } else if constexpr (HasTextCodec<T>) {
    std::string text;
    set(text, token);
    const std::optional<T> value = TextCodec<T>::parse(text);
    if (!value) throw BadValue{.problem = "\"" + text + "\" is none of the values known here"};
    target = *value;
    return nullptr;
  } else {
    set(target, token);
    return nullptr;
  }
}

}  // namespace stagemark
