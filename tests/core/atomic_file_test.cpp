#include "stagemark/core/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

void write_text(const std::filesystem::path& file, const std::string& text) {
  write_file_atomically(file, [&](std::ostream& out) { out << text; });
}

std::size_t entries_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

std::string complaint_about(const std::filesystem::path& file) {
  try {
    write_text(file, "x");
  } catch (const OutputError& error) {
    return error.what();
  }
  return "";
}

/// Runs with files that may grow to 4 KiB, as on a disk that is full.
template <class Work>
void with_little_room(Work work) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  work();
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

TEST(AtomicFile, HasWhatWasWritten) {
  const TemporaryDirectory directory;
  const std::string large(300'000, 'x');
  write_text(directory.path() / "report.json", large);
  EXPECT_EQ(TemporaryDirectory::read(directory.path() / "report.json"), large);
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

TEST(AtomicFile, ReplacesWhatWasThere) {
  const TemporaryDirectory directory;
  const auto file = directory.write("report.json", "something old that is longer");
  write_text(file, "new");
  EXPECT_EQ(TemporaryDirectory::read(file), "new");
}

TEST(AtomicFile, HasTheRightsThatTheUmaskLeaves) {
  const TemporaryDirectory directory;
  const mode_t before = umask(027);
  write_text(directory.path() / "x", "x");
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat((directory.path() / "x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(AtomicFile, LeavesTheOldOneWhereTheWriterThrows) {
  const TemporaryDirectory directory;
  const auto file = directory.write("report.json", "old");
  EXPECT_THROW(write_file_atomically(file,
                                     [](std::ostream& out) {
                                       out << std::string(200'000, 'x');
                                       throw std::runtime_error("interrupted");
                                     }),
               std::runtime_error);
  EXPECT_EQ(TemporaryDirectory::read(file), "old");
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

TEST(AtomicFile, LeavesTheOldOneWhereTheDiskTakesNoMore) {
  const TemporaryDirectory directory;
  const auto file = directory.write("report.json", "old");
  std::string complaint;
  with_little_room([&] {
    try {
      write_text(file, std::string(500'000, 'x'));
    } catch (const OutputError& error) {
      complaint = error.what();
    }
  });
  EXPECT_NE(complaint.find("report.json: cannot be written: File too large"), std::string::npos) << complaint;
  EXPECT_EQ(TemporaryDirectory::read(file), "old");
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

FileContent content(const std::filesystem::path& file, const std::string& text) {
  return {file, [text](std::ostream& out) { out << text; }};
}

TEST(AtomicFiles, HaveWhatWasWrittenNewOrReplaced) {
  const TemporaryDirectory directory;
  directory.write("b", "old");
  write_files_atomically({content(directory / "a", "1"), content(directory / "b", "2"), content(directory / "c", "3")});
  EXPECT_EQ(TemporaryDirectory::read(directory / "a"), "1");
  EXPECT_EQ(TemporaryDirectory::read(directory / "b"), "2");
  EXPECT_EQ(TemporaryDirectory::read(directory / "c"), "3");
  write_files_atomically({content(directory / "a", "4"), content(directory / "b", "5"), content(directory / "c", "6")});
  EXPECT_EQ(TemporaryDirectory::read(directory / "a"), "4");
  EXPECT_EQ(TemporaryDirectory::read(directory / "c"), "6");
  EXPECT_EQ(entries_in(directory.path()), 3U);
}

TEST(AtomicFiles, AreAllOldWhereTheDiskTakesNotAllOfThem) {
  for (const bool large_first : {true, false}) {
    const TemporaryDirectory directory;
    const auto json = directory.write("report.json", "old json");
    const auto html = directory.write("report.html", "old html");
    const std::string large(500'000, 'x');
    with_little_room([&] {
      EXPECT_THROW(write_files_atomically(
                       {content(json, large_first ? large : "new"), content(html, large_first ? "new" : large)}),
                   OutputError);
    });
    EXPECT_EQ(TemporaryDirectory::read(json), "old json");
    EXPECT_EQ(TemporaryDirectory::read(html), "old html");
    EXPECT_EQ(entries_in(directory.path()), 2U);
  }
}

TEST(AtomicFiles, AreNotThereAtAllWhereTheDiskTakesNotAllOfThem) {
  const TemporaryDirectory directory;
  with_little_room([&] {
    EXPECT_THROW(write_files_atomically({content(directory / "report.json", "new"),
                                         content(directory / "report.html", std::string(500'000, 'x'))}),
                 OutputError);
  });
  EXPECT_EQ(entries_in(directory.path()), 0U);
}

// The directory of the last one goes, or another takes its name, while they are written: the others had all but changed.
TEST(AtomicFiles, ArePutBackWhereALaterStepFails) {
  for (const bool old : {true, false}) {
    for (const bool is_gone : {true, false}) {
      const TemporaryDirectory directory;
      if (old) directory.write("a", "old a");
      if (old) directory.write("b", "old b");
      const std::filesystem::path last = directory.path() / "deeper" / "c";
      std::filesystem::create_directory(last.parent_path());
      const auto write = [&](std::ostream& out) {
        out << "new c";
        is_gone ? std::filesystem::remove_all(last.parent_path()) : std::filesystem::create_directory(last);
      };
      EXPECT_THROW(
          write_files_atomically({content(directory / "a", "new a"), content(directory / "b", "new b"), {last, write}}),
          OutputError);
      EXPECT_EQ(TemporaryDirectory::read(directory / "a"), old ? "old a" : "");
      EXPECT_EQ(TemporaryDirectory::read(directory / "b"), old ? "old b" : "");
      std::filesystem::remove_all(last.parent_path());
      EXPECT_EQ(entries_in(directory.path()), old ? 2U : 0U);
    }
  }
}

// Read from the first on: what stands beside the new first file is never of the old result.
TEST(AtomicFiles, NeverShowNewFilesBesideOldOnes) {
  const TemporaryDirectory directory;
  std::atomic<bool> done = false;
  std::atomic<int> mixed = 0;
  write_files_atomically({content(directory / "a", "0"), content(directory / "b", "0")});
  std::thread reader([&] {
    while (!done) {
      const std::string before = TemporaryDirectory::read(directory / "a");
      const std::string other = TemporaryDirectory::read(directory / "b");
      const std::string after = TemporaryDirectory::read(directory / "a");
      if (before == after && !other.empty() && other != after) ++mixed;
    }
  });
  for (int i = 1; i < 300; ++i) {
    write_files_atomically({content(directory / "a", std::to_string(i)), content(directory / "b", std::to_string(i))});
  }
  done = true;
  reader.join();
  EXPECT_EQ(mixed, 0);
}

TEST(AtomicFile, NamesAMissingDirectory) {
  const std::string complaint = complaint_about("/nowhere/at/all/report.json");
  EXPECT_NE(complaint.find("/nowhere/at/all/report.json: cannot be written: No such file or directory"),
            std::string::npos)
      << complaint;
}

TEST(AtomicFile, RefusesWhatIsNoPlainFile) {
  const TemporaryDirectory directory;
  EXPECT_NE(complaint_about(directory.path()).find("is a directory"), std::string::npos);
  EXPECT_NE(complaint_about("/dev/null").find("is not a plain file"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFile, NamesMissingRights) {
  // Root may write everywhere, so the test stands back from being root where it is.
  constexpr uid_t nobody = 65534;
  const TemporaryDirectory directory;
  ASSERT_EQ(chmod(directory.path().c_str(), 0555), 0);
  const bool is_root = geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(seteuid(nobody), 0);
  }
  const std::string complaint = complaint_about(directory.path() / "x");
  if (is_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  chmod(directory.path().c_str(), 0700);
  EXPECT_NE(complaint.find("Permission denied"), std::string::npos) << complaint;
}

TEST(AtomicFile, FollowsASymbolicLink) {
  const TemporaryDirectory directory;
  const auto file = directory.write("there/report.json", "old");
  const auto link = directory.path() / "latest.json";
  std::filesystem::create_symlink(file, link);
  write_text(link, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(TemporaryDirectory::read(file), "new");
}

TEST(AtomicFile, TakesANameAsLongAsTheFileSystemDoes) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / std::string(255, 'n');
  write_text(file, "x");
  EXPECT_EQ(TemporaryDirectory::read(file), "x");
}

TEST(AtomicFile, IsWholeWheneverItIsLookedAt) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "report.json";
  const std::string a(100'000, 'a');
  const std::string b(150'000, 'b');
  write_text(file, a);
  std::atomic<bool> done = false;
  const auto writing = [&](const std::string& text) {
    for (int i = 0; i < 20; ++i) write_text(file, text);
  };
  std::thread looking([&] {
    while (!done) {
      const std::string seen = TemporaryDirectory::read(file);
      EXPECT_TRUE(seen == a || seen == b) << seen.size();
    }
  });
  std::thread first(writing, a);
  std::thread second(writing, b);
  first.join();
  second.join();
  done = true;
  looking.join();
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

}  // namespace
}  // namespace stagemark
