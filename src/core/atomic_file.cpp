#include "stagemark/core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <list>
#include <ostream>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

[[noreturn]] void fail(int error, const std::filesystem::path& file) {
  const char* remedy = error == ENOSPC || error == EDQUOT ? "free some space, or write elsewhere"
                                                          : "write elsewhere, or mend the permissions";
  throw OutputError("cannot be written: " + std::generic_category().message(error), file.string(), remedy);
}

/// The file itself where the path is a symbolic link: the link stays.
std::filesystem::path resolved(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_symlink(file, error)) return file;
  const std::filesystem::path target = std::filesystem::weakly_canonical(file, error);
  return error ? file : target;
}

/// What is there may be replaced only if it is a plain file: a rename would also replace a device or a pipe.
void refuse_what_is_no_file(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) return;
  throw OutputError(std::filesystem::is_directory(status) ? "is a directory" : "is not a plain file", file.string(),
                    "name a file");
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }

  [[nodiscard]] int value() const noexcept { return value_; }
  /// Returns the result of close(2), which may be the first to tell of an error.
  int close() noexcept { return ::close(std::exchange(value_, -1)); }

 private:
  int value_;
};

/// Writes to a descriptor and keeps the first error, which std::ofstream would not tell.
class DescriptorBuffer final : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor) {
    setp(bytes_.data(), bytes_.data() + bytes_.size());
  }

  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int_type overflow(int_type character) override {
    if (!write_out()) return traits_type::eof();
    if (!traits_type::eq_int_type(character, traits_type::eof())) sputc(traits_type::to_char_type(character));
    return traits_type::not_eof(character);
  }

  int sync() override { return write_out() ? 0 : -1; }

 private:
  bool write_out() {
    const char* next = pbase();
    while (next != pptr() && error_ == 0) {
      const ssize_t written = ::write(descriptor_, next, static_cast<std::size_t>(pptr() - next));
      if (written >= 0) {
        next += written;
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    setp(bytes_.data(), bytes_.data() + bytes_.size());
    return error_ == 0;
  }

  std::array<char, 1U << 16U> bytes_{};
  int descriptor_;
  int error_ = 0;
};

/// A new file that is removed again unless it was given its name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), path_(fresh_path(target)), descriptor_(open(path_, target)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlink(path_.c_str());
  }

  void fill(const std::function<void(std::ostream&)>& write) {
    DescriptorBuffer buffer(descriptor_.value());
    std::ostream out(&buffer);
    write(out);
    out.flush();
    if (buffer.error() != 0) fail(buffer.error(), target_);
    if (!out) fail(EIO, target_);
  }

  void flush() {
    if (::fsync(descriptor_.value()) != 0 && errno != EINVAL) fail(errno, target_);
    if (descriptor_.close() != 0) fail(errno, target_);
  }

  [[nodiscard]] const std::filesystem::path& target() const noexcept { return target_; }

  /// Once it is flushed.
  void take_the_place_of_the_target() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail(errno, target_);
    renamed_ = true;
  }

  /// The new name is safe only when the directory is. Some file systems cannot do this: then it is not an error.
  void flush_directory() const {
    const Descriptor directory(::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.value() >= 0) ::fsync(directory.value());
  }

  static std::filesystem::path fresh_path(const std::filesystem::path& target) {
    static std::atomic<unsigned> count = 0;  // two threads may write the same file
    std::string name = ".";
    name.append(target.filename().string(), 0, 200).append(".").append(std::to_string(::getpid()));
    name.append(".").append(std::to_string(count++)).append(".tmp");
    return directory_of(target) / name;
  }

 private:
  static Descriptor open(const std::filesystem::path& path, const std::filesystem::path& target) {
    constexpr mode_t as_the_umask_says = 0666;
    // Left over from a process of the same id that was killed: nobody else can have this name.
    ::unlink(path.c_str());
    Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, as_the_umask_says));
    if (descriptor.value() < 0) fail(errno, target);
    return descriptor;
  }

  std::filesystem::path target_;
  std::filesystem::path path_;
  Descriptor descriptor_;
  bool renamed_ = false;
};

/// The file that stood there, kept until what replaces it is in place; put back unless it is told that it is.
class OldFile {
 public:
  enum class Meanwhile : std::uint8_t { stays, is_gone };

  OldFile(std::filesystem::path target, Meanwhile meanwhile)
      : target_(std::move(target)), kept_(TemporaryFile::fresh_path(target_)) {
    const auto keep = meanwhile == Meanwhile::stays ? ::link : ::rename;
    if (keep(target_.c_str(), kept_.c_str()) == 0) {
      is_kept_ = true;
    } else if (errno != ENOENT && meanwhile == Meanwhile::is_gone) {
      fail(errno, target_);
    } else {
      was_there_ = errno != ENOENT;
    }
  }
  OldFile(const OldFile&) = delete;
  OldFile& operator=(const OldFile&) = delete;
  ~OldFile() {
    if (is_kept_ && is_replaced_) {
      ::unlink(kept_.c_str());
    } else if (is_kept_) {
      // Of two names of one file rename(2) removes neither.
      if (::rename(kept_.c_str(), target_.c_str()) == 0) ::unlink(kept_.c_str());
    } else if (!was_there_ && !is_replaced_) {
      ::unlink(target_.c_str());
    }
  }

  void is_replaced() noexcept { is_replaced_ = true; }

 private:
  std::filesystem::path target_;
  std::filesystem::path kept_;
  bool is_kept_ = false;
  bool was_there_ = true;
  bool is_replaced_ = false;
};

}  // namespace

void write_file_atomically(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write) {
  write_files_atomically({{file, write}});
}

void write_files_atomically(const std::vector<FileContent>& files) {
  // Lists: what is in them neither moves nor is copied.
  std::list<TemporaryFile> temporaries;
  for (const FileContent& content : files) {
    const std::filesystem::path target = resolved(content.file);
    refuse_what_is_no_file(target);
    temporaries.emplace_back(target).fill(content.write);
  }
  for (TemporaryFile& temporary : temporaries) temporary.flush();
  if (temporaries.size() == 1) {
    temporaries.front().take_the_place_of_the_target();
    temporaries.front().flush_directory();
    return;
  }
  std::list<OldFile> old;  // the first is also the first to be put back
  for (auto file = temporaries.rbegin(); file != temporaries.rend(); ++file) {
    refuse_what_is_no_file(file->target());  // a second time: writing may have taken long
    const bool is_first = &*file == &temporaries.front();
    old.emplace_front(file->target(), is_first ? OldFile::Meanwhile::stays : OldFile::Meanwhile::is_gone);
  }
  for (TemporaryFile& temporary : temporaries) {
    temporary.take_the_place_of_the_target();
    temporary.flush_directory();
  }
  for (OldFile& file : old) file.is_replaced();
}

}  // namespace stagemark
