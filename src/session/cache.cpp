#include "session/cache.hpp"

#include <unistd.h>

#include <cstdlib>
#include <span>
#include <system_error>

#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/report/tool.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

constexpr const char* remedy = "name a directory that can be written in $STAGEMARK_CACHE";

fs::path cache_directory() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
    return fs::path(value == nullptr ? "" : value);
  };
  if (fs::path own = variable("STAGEMARK_CACHE"); !own.empty()) return own;
  if (const fs::path shared = variable("XDG_CACHE_HOME"); !shared.empty()) return shared / "stagemark";
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "stagemark";
  throw OutputError("there is no directory for exported models", "cache", remedy);
}

}  // namespace

std::string cache_key(const std::vector<std::string>& parts) {
  const ToolInfo tool = this_tool();
  std::string text = tool.version + '\n' + (tool.git ? *tool.git : "") + '\n';
  for (const std::string& part : parts) text += part + '\n';
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text.data(), text.size())));
  return hash.finish().substr(0, 32);
}

fs::path cached_file(const std::string& name, const std::function<void(const fs::path&)>& make) {
  fs::path file = cache_directory() / name;
  if (fs::exists(file)) return file;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) throw OutputError("cannot be made: " + error.message(), file.parent_path().string(), remedy);
  if (access(file.parent_path().c_str(), W_OK | X_OK) != 0) {
    throw OutputError("cannot be written", file.parent_path().string(), remedy);
  }
  const fs::path own = file.string() + "." + std::to_string(getpid());
  try {
    make(own);
  } catch (...) {
    fs::remove(own, error);
    throw;
  }
  fs::rename(own, file, error);
  if (error) throw OutputError("cannot be written: " + error.message(), file.string(), remedy);
  return file;
}

}  // namespace stagemark
