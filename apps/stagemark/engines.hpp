#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "stagemark/backend/registry.hpp"

namespace stagemark {

/// All engines the tool knows: those built in, and those that are not, with the reason and the remedy.
BackendRegistry make_registry();

/// Fits and writes the model of `stagemark sample`; empty where no engine that could was built.
using SampleModelWriter = std::function<void(const std::filesystem::path&, std::span<const Image>,
                                             std::span<const bool>, const Preprocessor&, std::uint64_t)>;
SampleModelWriter sample_model_writer();

}  // namespace stagemark
