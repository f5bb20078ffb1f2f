#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>

namespace stagemark::onnxruntime {

/// The first line of what ONNX Runtime says, without its trace and its codes.
std::string sentence_in(const std::exception& error);

/// ONNX Runtime's environment, made when first asked for. Nothing that it or its libraries print reaches the user.
class Runtime {
 public:
  /// Of the library that runs, which need not be the one that was compiled against.
  [[nodiscard]] static std::string version() { return OrtGetApiBase()->GetVersionString(); }

  /// Whether the library that runs is as new as the one that was compiled against.
  [[nodiscard]] static bool matches_headers() { return OrtGetApiBase()->GetApi(ORT_API_VERSION) != nullptr; }

  /// Where the library lies; its providers' libraries lie beside it.
  [[nodiscard]] static std::filesystem::path directory();

  [[nodiscard]] Ort::Env& environment();

 private:
  std::once_flag made_;
  std::optional<Ort::Env> environment_;
};

}  // namespace stagemark::onnxruntime
