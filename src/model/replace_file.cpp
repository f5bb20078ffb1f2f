#include "replace_file.hpp"

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "stagemark/core/error.hpp"

namespace stagemark {

void replace_file(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write) {
  std::filesystem::path temporary = file;
  temporary += ".part";
  const auto fail = [&](const std::string& reason) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw OutputError("cannot be written: " + reason, file.string(), "choose another place or free some room");
  };
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  if (!out) fail(std::generic_category().message(errno));
  write(out);
  out.close();
  if (!out) fail(std::generic_category().message(errno));
  std::error_code error;
  std::filesystem::rename(temporary, file, error);
  if (error) fail(error.message());
}

}  // namespace stagemark
