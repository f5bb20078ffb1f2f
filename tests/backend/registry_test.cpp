#include "stagemark/backend/registry.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "stagemark/backends/null.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

Backend engine_with_cuda(bool cuda_here) {
  Backend backend;
  backend.engine = "fast";
  backend.precisions = {Precision::fp32, Precision::fp16};
  backend.options = {"graph"};
  backend.devices = {Device{}, Device{Device::Kind::cuda, 0}};
  backend.unavailable = [cuda_here](const Approach& approach) -> std::optional<Unavailable> {
    if (approach.device->kind == Device::Kind::cpu || cuda_here) return std::nullopt;
    return Unavailable{"no CUDA device", "use @cpu"};
  };
  backend.open = [](const BackendRequest&) { return nullptr; };
  return backend;
}

BackendRegistry registry(bool cuda_here) {
  BackendRegistry result;
  result.add(engine_with_cuda(cuda_here));
  null_engine::add_to(result);
  return result;
}

template <class Thrown, class Work>
std::string message(Work work) {
  try {
    work();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "nothing of that type thrown";
}

TEST(BackendRegistry, ChoosesCudaWhereTheEngineCanUseIt) {
  EXPECT_EQ(to_string(registry(true).resolve(parse_approach("fast-fp32"), std::nullopt)), "fast-fp32@cuda:0");
  EXPECT_EQ(to_string(registry(false).resolve(parse_approach("fast-fp32"), std::nullopt)), "fast-fp32@cpu");
  EXPECT_EQ(to_string(registry(true).resolve(parse_approach("null-fp32"), std::nullopt)), "null-fp32@cpu");
}

TEST(BackendRegistry, SaysWhatIsAvailableWhereADeviceIsNot) {
  const std::string text = message<BackendError>([] {
    (void)registry(false).resolve(parse_approach("fast-fp32"), Device{Device::Kind::cuda, 0});
  });
  EXPECT_NE(text.find("no CUDA device"), std::string::npos) << text;
  EXPECT_NE(text.find("available here: fast-fp32@cpu, fast-fp16@cpu, null-fp32@cpu"), std::string::npos) << text;
}

TEST(BackendRegistry, RunsNothingOnADeviceThatTheEngineDoesNotKnow) {
  BackendRegistry gpu_alone = registry(false);
  Backend backend = engine_with_cuda(/*cuda_here=*/false);
  backend.engine = "gpu";
  backend.devices = {Device{Device::Kind::cuda, 0}};
  gpu_alone.add(std::move(backend));
  const auto refused = [&](const char* approach) {
    return message<BackendError>([&] { (void)gpu_alone.resolve(parse_approach(approach), std::nullopt); });
  };
  EXPECT_NE(refused("gpu-fp32").find("'gpu-fp32@cuda:0'"), std::string::npos) << refused("gpu-fp32");
  EXPECT_NE(refused("gpu-fp32@cpu").find("does not run on cpu"), std::string::npos) << refused("gpu-fp32@cpu");
}

TEST(BackendRegistry, ListsTheEnginesForAnUnknownOne) {
  const std::string text =
      message<UsageError>([] { (void)registry(false).resolve(parse_approach("slow-fp32"), std::nullopt); });
  EXPECT_NE(text.find("the engines are fast, null"), std::string::npos) << text;
}

TEST(BackendRegistry, RefusesAPrecisionOrOptionTheEngineDoesNotHave) {
  EXPECT_NE(message<UsageError>([] {
              (void)registry(false).resolve(parse_approach("null-int8"), std::nullopt);
            }).find("has no int8"),
            std::string::npos);
  EXPECT_NE(message<UsageError>([] {
              (void)registry(false).resolve(parse_approach("fast-fp32+turbo"), std::nullopt);
            }).find("has no option 'turbo'"),
            std::string::npos);
}

TEST(BackendRegistry, RefusesAnEngineTwice) {
  BackendRegistry twice = registry(false);
  EXPECT_THROW(null_engine::add_to(twice), std::invalid_argument);
}

TEST(BackendRegistry, RefusesAnEngineThatNobodyCouldAskFor) {
  const auto refused = [](auto spoil) {
    Backend backend = engine_with_cuda(true);
    spoil(backend);
    BackendRegistry engines;
    return message<std::invalid_argument>([&] { engines.add(backend); });
  };
  EXPECT_NE(refused([](Backend& b) { b.engine.clear(); }).find("without a name"), std::string::npos);
  EXPECT_NE(refused([](Backend& b) { b.precisions.clear(); }).find("'fast' added without precisions"),
            std::string::npos);
  EXPECT_NE(refused([](Backend& b) { b.devices.clear(); }).find("without devices"), std::string::npos);
  const auto closed = [](Backend& b) {
    b.open = nullptr;
    b.unavailable = nullptr;
  };
  EXPECT_NE(refused(closed).find("without `open`"), std::string::npos);
}

TEST(BackendRegistry, TakesAnEngineThatSaysNothingElseForAvailable) {
  Backend backend = engine_with_cuda(false);
  backend.unavailable = nullptr;
  BackendRegistry engines;
  engines.add(backend);
  EXPECT_EQ(to_string(engines.resolve(parse_approach("fast-fp32"), std::nullopt)), "fast-fp32@cuda:0");
  EXPECT_EQ(engines.available_approaches().size(), 4U);
  EXPECT_FALSE(engines.find("fast").unavailable(parse_approach("fast-fp32@cpu")));
}

TEST(BackendRegistry, ReportsAnEngineThatOpensNothing) {
  const BackendRegistry engines = registry(false);
  BackendRequest request;
  request.approach = engines.resolve(parse_approach("fast-fp32"), std::nullopt);
  request.model = "net.ckpt";
  const std::string text = message<BackendError>([&] { (void)engines.open(request); });
  EXPECT_NE(text.find("the engine fast opened nothing"), std::string::npos) << text;
}

TEST(BackendRegistry, NeedsAModelForAnEngineThatNeedsOne) {
  const BackendRegistry engines = registry(false);
  BackendRequest request;
  request.approach = engines.resolve(parse_approach("fast-fp32"), std::nullopt);
  EXPECT_NE(message<UsageError>([&] { (void)engines.open(request); }).find("`model`"), std::string::npos);
}

}  // namespace
}  // namespace stagemark
