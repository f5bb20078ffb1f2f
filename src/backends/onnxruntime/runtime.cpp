#include "runtime.hpp"

#include <dlfcn.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv is POSIX, not in <cstdlib>

#include <iostream>
#include <streambuf>
#include <string_view>

#include "probe_graph.hpp"

namespace stagemark::onnxruntime {
namespace {

/// While one lives, what the process writes to std::cerr is lost.
class SilentCerr {
 public:
  SilentCerr() : original_(std::cerr.rdbuf(nullptr)) {}
  SilentCerr(const SilentCerr&) = delete;
  SilentCerr& operator=(const SilentCerr&) = delete;
  ~SilentCerr() { std::cerr.rdbuf(original_); }

 private:
  std::streambuf* original_;
};

void ORT_API_CALL ignore(void* /*parameter*/, OrtLoggingLevel /*severity*/, const char* /*category*/,
                         const char* /*log_id*/, const char* /*location*/, const char* /*message*/) {}

/// Where a function's signature ends, which holds spaces and parentheses itself; npos where none begins there.
std::size_t end_of_call(std::string_view line, std::size_t begin) {
  const std::size_t open = line.find('(', begin);
  if (open == std::string_view::npos) return open;
  int depth = 0;
  for (std::size_t i = open; i < line.size(); ++i) {
    depth += line[i] == '(' ? 1 : (line[i] == ')' ? -1 : 0);
    if (depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

}  // namespace

std::string sentence_in(const std::exception& error) {
  const std::string_view text = error.what();
  std::string_view line = text.substr(0, text.find('\n'));
  // "/source/file.cc:123 void function() [ONNXRuntimeError] : 1 : FAIL : what happened."
  constexpr std::string_view marker = "[ONNXRuntimeError]";
  if (const std::size_t found = line.find(marker); found != std::string_view::npos)
    line.remove_prefix(found + marker.size());
  while (line.starts_with(" : ") && line.find(" : ", 3) != std::string_view::npos)
    line.remove_prefix(line.find(" : ", 3));
  // "failed:/source/file.cc:202 namespace::function(type) the reason".
  if (const std::size_t file = line.find(".cc:"); file != std::string_view::npos) {
    const std::size_t call = line.find(' ', file);
    const std::size_t reason = call == std::string_view::npos ? call : end_of_call(line, call + 1);
    if (reason != std::string_view::npos) line.remove_prefix(reason);
  }
  while (!line.empty() && (line.front() == ' ' || line.front() == ':')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) line.remove_suffix(1);
  return std::string(line);
}

std::filesystem::path Runtime::directory() {
  Dl_info info{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX takes functions
  if (dladdr(reinterpret_cast<const void*>(&OrtGetApiBase), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

Ort::Env& Runtime::environment() {
  std::call_once(made_, [this] {
    // Microsoft's builds write and upload telemetry, from threads of their own. Only the variable keeps them from being
    // started. NOLINTNEXTLINE(concurrency-mt-unsafe): before ONNX Runtime has threads
    setenv("ORT_DISABLE_TELEMETRY", "1", /*overwrite=*/0);
    environment_.emplace(ORT_LOGGING_LEVEL_FATAL, "stagemark", ignore, nullptr);
    environment_->DisableTelemetryEvents();
    // Debian's build shares libonnx, in which every operator is registered already when the first session of a process
    // registers them again: libonnx then says so on std::cerr, 1,100 lines.
    const SilentCerr silence;
    const std::string graph = probe_graph(Precision::fp32);
    const Ort::Session first(*environment_, graph.data(), graph.size(), Ort::SessionOptions());
  });
  return *environment_;
}

}  // namespace stagemark::onnxruntime
