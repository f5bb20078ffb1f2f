#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// What the parts of an engine are made for, as `Timed` finds them.
namespace engine_parts {

template <class Engine>
using Preprocessed = decltype(std::declval<Engine&>().preprocess(std::declval<std::span<const Image>>()));
template <class Value>
using Constant = const std::remove_reference_t<Value>&;

// Whether an engine has a member of that name, whatever it takes: so that one that takes the wrong thing is found.
template <class Engine>
concept names_upload = requires { &Engine::upload; };
template <class Engine>
concept names_download = requires { &Engine::download; };
template <class Engine>
concept names_synchronize = requires { &Engine::synchronize; };
template <class Engine>
concept names_scores = requires { &Engine::scores; };
template <class Engine>
concept names_input_of = requires { &Engine::input_of; };
template <class Engine>
concept names_device_peak_bytes = requires { &Engine::device_peak_bytes; };

template <class Engine>
concept preprocesses = requires { requires !std::is_void_v<Preprocessed<Engine>>; };
template <class Engine>
concept uploads = requires(Engine& engine, Constant<Preprocessed<Engine>> input) { engine.upload(input); };
template <class Engine>
concept synchronizes = requires(Engine& engine) { engine.synchronize(); };
template <class Engine>
concept says_that_it_is_synchronous = requires { requires !Engine::asynchronous; };

template <class Engine>
struct NetworkInput {
  using Type = Preprocessed<Engine>;
};
template <uploads Engine>
struct NetworkInput<Engine> {
  using Type = decltype(std::declval<Engine&>().upload(std::declval<Constant<Preprocessed<Engine>>>()));
};
template <class Engine>
using Input = Constant<typename NetworkInput<Engine>::Type>;

template <class Engine>
concept extracts_features = requires(Engine& engine, Input<Engine> input) { engine.extract_features(input); };
template <class Engine>
using Features = Constant<decltype(std::declval<Engine&>().extract_features(std::declval<Input<Engine>>()))>;

/// `Out` is nothing where the engine downloads, else where the predictions go.
template <class Engine, class... Out>
concept classifies =
    requires(Engine& engine, Features<Engine> features, Out... out) { engine.classify(features, out...); };
template <class Engine, class... Out>
concept infers = requires(Engine& engine, Input<Engine> input, Out... out) { engine.infer(input, out...); };
template <class Engine>
concept names_infer = requires { &Engine::infer; } || infers<Engine> || infers<Engine, std::span<Prediction>>;

}  // namespace engine_parts

/// Makes an engine of a class with typed stages, and times them: no author can forget to. The class is a plain one; it has
/// as public members
///
///     Pixels preprocess(std::span<const Image> images);          // one or more images
///     Tensor upload(const Pixels&);                              // if its network runs on a device
///     Features extract_features(const Tensor&);                  // the network in its two parts,
///     void classify(const Features&, std::span<Prediction> out); // one prediction for each image
///     void infer(const Tensor&, std::span<Prediction> out);      // or in one, in place of the two above
///     void download(const Logits&, std::span<Prediction> out);   // if what `classify` or `infer` makes is on a device:
///                                                                // they then take no `out`, and return it
///     void synchronize();                                        // if calls return before the device has done the work
///     ExecutionFacts execution_facts() const;
///
/// with types of its own, and where it can tell, `scores`, `input_of` and `device_peak_bytes` as InferenceWrapper has
/// them. What a stage returns lives until the prediction is made. A class that uploads or downloads, but whose calls
/// return when the work is done, says so: `static constexpr bool asynchronous = false`.
///
/// Of an asynchronous engine each stage that the pass measures ends when the device has finished it: a launch timed
/// without its wait is the classic false result of this field. Where a stage throws, the device is waited for before
/// anything is destroyed that it may still read. Allocates nothing.
template <class Engine>
class Timed final : public InferenceWrapper {
  static_assert(engine_parts::preprocesses<Engine>,
                "an engine needs a public `preprocess(std::span<const Image>)` that returns the network's input");

  static constexpr bool is_asynchronous = engine_parts::synchronizes<Engine>;
  static constexpr bool uploads = engine_parts::uploads<Engine>;
  static constexpr bool downloads = engine_parts::names_download<Engine>;
  static constexpr bool splits = engine_parts::extracts_features<Engine>;

  static_assert(uploads || !engine_parts::names_upload<Engine>,
                "`upload` has to take what `preprocess` returns, by const reference");
  static_assert(is_asynchronous || !engine_parts::names_synchronize<Engine>, "`synchronize` has to take nothing");
  static_assert(is_asynchronous || engine_parts::says_that_it_is_synchronous<Engine> || !(uploads || downloads),
                "an engine with `upload` or `download` needs a public `synchronize()` that waits for the device; if "
                "its calls return when the work is done, add `static constexpr bool asynchronous = false`");
  static_assert(splits != engine_parts::names_infer<Engine>,
                "an engine needs public `extract_features` and `classify`, or `infer`, one of the two; the first takes "
                "what `upload`, or where there is none `preprocess`, returns, by const reference");

 public:
  /// Makes the engine of these arguments.
  template <class... Arguments>
    requires std::constructible_from<Engine, Arguments...>
  explicit Timed(Arguments&&... arguments) : engine_(std::forward<Arguments>(arguments)...) {}

  [[nodiscard]] Engine& engine() noexcept { return engine_; }

  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) override {
    decltype(auto) input =
        timer.time(Stage::preprocessing, [&]() -> decltype(auto) { return engine_.preprocess(images); });
    const WaitOnUnwinding input_in_use(engine_);
    if constexpr (uploads) {
      decltype(auto) on_device =
          staged(timer, Stage::upload, [&]() -> decltype(auto) { return engine_.upload(std::as_const(input)); });
      const WaitOnUnwinding on_device_in_use(engine_);
      answer(std::as_const(on_device), out, timer);
    } else {
      answer(std::as_const(input), out, timer);
    }
    // `total` ends when the device has finished, whatever the last stage did.
    if constexpr (is_asynchronous) {
      if (timer.mode() != TimingMode::stages) engine_.synchronize();
    }
  }

  [[nodiscard]] ExecutionFacts execution_facts() const override {
    static_assert(
        requires(const Engine& engine) {
          { engine.execution_facts() } -> std::convertible_to<ExecutionFacts>;
        }, "an engine needs a public `ExecutionFacts execution_facts() const`: what really runs");
    return engine_.execution_facts();
  }

  [[nodiscard]] bool asynchronous() const noexcept override { return is_asynchronous; }

  [[nodiscard]] std::span<const float> scores() const override {
    constexpr bool tells = requires {
      { engine_.scores() } -> std::convertible_to<std::span<const float>>;
    };
    static_assert(tells || !engine_parts::names_scores<Engine>,
                  "`scores` has to be a const member that returns std::span<const float>");
    if constexpr (tells) return engine_.scores();
    return {};
  }

  [[nodiscard]] std::vector<float> input_of(const Image& image) override {
    constexpr bool tells = requires {
      { engine_.input_of(image) } -> std::same_as<std::vector<float>>;
    };
    static_assert(tells || !engine_parts::names_input_of<Engine>,
                  "`input_of` has to take a const Image& and return std::vector<float>");
    if constexpr (tells) return engine_.input_of(image);
    return {};
  }

  [[nodiscard]] std::optional<std::uint64_t> device_peak_bytes() const override {
    constexpr bool tells = requires {
      { engine_.device_peak_bytes() } -> std::convertible_to<std::optional<std::uint64_t>>;
    };
    static_assert(tells || !engine_parts::names_device_peak_bytes<Engine>,
                  "`device_peak_bytes` has to be a const member that returns std::optional<std::uint64_t>");
    if constexpr (tells) return engine_.device_peak_bytes();
    return std::nullopt;
  }

 private:
  /// Where a stage throws, what was launched before may still read what the stages before it made: waits for the device
  /// before that is destroyed, and before the leftover work could count for the next image.
  class WaitOnUnwinding {
   public:
    explicit WaitOnUnwinding(Engine& engine) : engine_(engine) {}
    WaitOnUnwinding(const WaitOnUnwinding&) = delete;
    WaitOnUnwinding& operator=(const WaitOnUnwinding&) = delete;
    ~WaitOnUnwinding() {
      if constexpr (is_asynchronous) {
        if (std::uncaught_exceptions() <= exceptions_) return;
        try {
          engine_.synchronize();
        } catch (...) {
          // The first exception says what went wrong.
        }
      }
    }

   private:
    Engine& engine_;
    int exceptions_ = is_asynchronous ? std::uncaught_exceptions() : 0;
  };

  /// Runs the work, and waits for the device inside the stage if this pass measures it.
  template <class Work>
  auto staged(StageTimer& timer, Stage stage, Work&& work) -> std::invoke_result_t<Work> {
    if constexpr (!is_asynchronous) {
      return timer.time(stage, std::forward<Work>(work));
    } else {
      if (!timer.measures(stage)) return work();
      return timer.time(stage, [&]() -> std::invoke_result_t<Work> {
        if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
          work();
          engine_.synchronize();
        } else {
          decltype(auto) result = work();
          engine_.synchronize();
          return result;
        }
      });
    }
  }

  /// Times `inference`; of an asynchronous engine only in the pass made for it: one wait before, one after.
  template <class Work>
  auto whole_network(StageTimer& timer, Work&& work) -> std::invoke_result_t<Work> {
    if constexpr (is_asynchronous) {
      if (timer.mode() != TimingMode::whole_network) return work();
      engine_.synchronize();
    }
    return staged(timer, Stage::inference, std::forward<Work>(work));
  }

  /// From the network's input to the predictions.
  template <class Input>
  void answer(const Input& input, std::span<Prediction> out, StageTimer& timer) {
    if constexpr (downloads) {
      decltype(auto) output = whole_network(timer, [&]() -> decltype(auto) { return run(input, timer); });
      const WaitOnUnwinding output_in_use(engine_);
      wait_for_one_piece(timer);
      static_assert(
          requires { engine_.download(std::as_const(output), out); },
          "`download` has to take what the network returns, by const reference, and std::span<Prediction>");
      staged(timer, Stage::download, [&] { engine_.download(std::as_const(output), out); });
    } else {
      whole_network(timer, [&] { run(input, timer, out); });
      wait_for_one_piece(timer);
    }
  }

  /// A network in one piece ends no stage in the pass that times stages (`inference` has one of its own): what comes next
  /// must not wait for it.
  void wait_for_one_piece(const StageTimer& timer) {
    if constexpr (is_asynchronous && !splits) {
      if (timer.mode() == TimingMode::stages) engine_.synchronize();
    }
  }

  /// \param out nothing where the engine downloads
  template <class Input, class... Out>
  decltype(auto) run(const Input& input, StageTimer& timer, Out... out) {
    if constexpr (splits) {
      static_assert(
          engine_parts::classifies<Engine, Out...>,
          "`classify` has to take what `extract_features` returns, by const reference, and std::span<Prediction> "
          "unless the engine has `download`");
      decltype(auto) features =
          staged(timer, Stage::feature_extraction, [&]() -> decltype(auto) { return engine_.extract_features(input); });
      const WaitOnUnwinding features_in_use(engine_);
      return staged(timer, Stage::classification,
                    [&]() -> decltype(auto) { return engine_.classify(std::as_const(features), out...); });
    } else {
      static_assert(
          engine_parts::infers<Engine, Out...>,
          "`infer` has to take what `upload`, or where there is none `preprocess`, returns, by const reference, "
          "and std::span<Prediction> unless the engine has `download`");
      return engine_.infer(input, out...);
    }
  }

  Engine engine_;
};

}  // namespace stagemark
