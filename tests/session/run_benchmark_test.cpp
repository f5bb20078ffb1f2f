#include "stagemark/session/run_benchmark.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <string>
#include <utility>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// Twelve grey images of two classes.
fs::path made_images(const fs::path& root) {
  for (const char* name : {"dark", "light"}) {
    fs::create_directories(root / name);
    for (int i = 0; i < 6; ++i) {
      const auto grey = static_cast<std::uint8_t>(name[0] == 'd' ? 10 + i : 200 + i);
      write_png(root / name / (std::to_string(i) + ".png"), Image{4, 4, 1, std::vector<std::uint8_t>(16, grey)});
    }
  }
  return root;
}

RunRequest in_process(const fs::path& images) {
  RunRequest request;
  request.images = images;
  request.approaches = {parse_approach("a=null-fp32"), parse_approach("b=null-fp32")};
  request.isolation = Isolation::none;
  return request;
}

template <class Exception>
std::string refusal(const RunRequest& request) {
  try {
    (void)run_benchmark(request);
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(RunBenchmark, LeavesNoDirectoryWhereItComesToNothing) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.approaches = {parse_approach("libtorch-fp32"), parse_approach("no-engine-fp32")};
  request.output = ReportOutput{.directory = directory.path() / "set/results", .by_time = true, .overwrite = false};
  EXPECT_NE(refusal<Error>(request), "nothing was refused");
  EXPECT_FALSE(fs::exists(directory.path() / "set/results")) << "it would be taken for a class";
}

TEST(RunBenchmark, MeasuresComparesAndFillsInWhereItRan) {
  const TemporaryDirectory directory;
  const Report report = run_benchmark(in_process(made_images(directory.path() / "set")));
  ASSERT_EQ(report.results.size(), 2U);
  EXPECT_EQ(report.results[0].approach, "a");
  EXPECT_EQ(report.results[0].samples, 12U);
  EXPECT_EQ(report.comparisons.size(), 1U);
  EXPECT_FALSE(report.tool.version.empty());
  EXPECT_FALSE(report.timestamp.empty());
  EXPECT_GT(report.environment.cpu.usable_cpus, 0U);
  EXPECT_FALSE(report.environment.fingerprint.empty());
  EXPECT_EQ(report.config.preprocessing->width, 224U);
  EXPECT_EQ(report.config.isolation, Isolation::none);
}

TEST(RunBenchmark, WritesWhereTheRequestSaysAndNowhereElse) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.output = ReportOutput{.directory = directory.path() / "out"};
  const Report report = run_benchmark(request);
  EXPECT_EQ(read_report((directory.path() / "out").string()).results.size(), report.results.size());
  EXPECT_TRUE(fs::exists(directory.path() / "out" / "report.html"));
  EXPECT_NE(refusal<OutputError>(request).find("there is a report already"), std::string::npos);
  request.output->overwrite = true;
  EXPECT_NO_THROW((void)run_benchmark(request));
}

TEST(RunBenchmark, RefusesUnlabelledImagesBeforeAPlaceToWriteIsMadeWhereTheyHaveToBeJudged) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set") / "dark");
  request.needs_labels = true;
  request.output = ReportOutput{.directory = directory.path() / "out"};
  EXPECT_NE(refusal<InputError>(request).find("no labels"), std::string::npos);
  EXPECT_FALSE(fs::exists(directory.path() / "out"));
}

TEST(RunBenchmark, TellsItsObserverWhatHappensInOrder) {
  class Notes final : public SessionObserver {
   public:
    std::string text;
    void beginning() override { text += "begin "; }
    void measured(const Report& report) override { text += std::to_string(report.results.size()) + " measured "; }
    void written(const fs::path& json, const fs::path& html) override {
      text += json.filename().string() + " " + html.filename().string();
    }
  };
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.output = ReportOutput{.directory = directory.path() / "out"};
  Notes notes;
  (void)run_benchmark(request, notes);
  EXPECT_EQ(notes.text, "begin 2 measured report.json report.html");
}

TEST(RunBenchmark, HoldsWhatThereIsWhereItIsInterruptedBeforeTheFirstRound) {
  class Stop final : public SessionObserver {
   public:
    void beginning() override { stop_ = true; }
    [[nodiscard]] bool interrupted() override { return stop_; }

   private:
    bool stop_ = false;
  };
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.output = ReportOutput{.directory = directory.path() / "out"};
  Stop stop;
  const Report report = run_benchmark(request, stop);
  EXPECT_TRUE(report.interrupted);
  ASSERT_EQ(report.results.size(), 2U);
  EXPECT_EQ(report.results[0].samples, 0U);
  EXPECT_TRUE(read_report((directory.path() / "out").string()).interrupted);
}

TEST(RunBenchmark, ShowsWhatWasMeasuredBeforeItFailsToWriteIt) {
  /// Puts a file where the report's directory was.
  class InTheWay final : public SessionObserver {
   public:
    explicit InTheWay(fs::path place) : place_(std::move(place)) {}
    std::size_t seen = 0;
    void measured(const Report& report) override {
      seen = report.results.size();
      fs::remove_all(place_);
      std::ofstream(place_) << "in the way";
    }

   private:
    fs::path place_;
  };
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.output = ReportOutput{.directory = directory.path() / "out"};
  InTheWay observer(directory.path() / "out");
  EXPECT_THROW((void)run_benchmark(request, observer), OutputError);
  EXPECT_EQ(observer.seen, 2U);
}

TEST(RunBenchmark, LeavesAnOldReportWholeWhereTheDiskTakesTheFiguresAndNotThePage) {
  /// From when the run is over, files may grow to 100,000 bytes: more than the figures need, less than the page does.
  class FullDisk final : public SessionObserver {
   public:
    FullDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) { getrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() override {
      setrlimit(RLIMIT_FSIZE, &before_);
      std::signal(SIGXFSZ, handler_);
    }
    void measured(const Report& /*report*/) override {
      rlimit small = before_;
      small.rlim_cur = 100'000;
      setrlimit(RLIMIT_FSIZE, &small);
    }

   private:
    rlimit before_{};
    void (*handler_)(int);
  };
  const TemporaryDirectory directory;
  const fs::path out = directory.path() / "out";
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.output = ReportOutput{.directory = out};
  (void)run_benchmark(request);
  const std::string json = TemporaryDirectory::read(out / "report.json");
  const std::string html = TemporaryDirectory::read(out / "report.html");
  ASSERT_LT(json.size(), 90'000U);
  ASSERT_GT(html.size(), 110'000U);
  request.output->overwrite = true;
  {
    FullDisk full;
    EXPECT_THROW((void)run_benchmark(request, full), OutputError);
  }
  EXPECT_EQ(TemporaryDirectory::read(out / "report.json"), json);
  EXPECT_EQ(TemporaryDirectory::read(out / "report.html"), html);
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 2);
  request.output = ReportOutput{.directory = directory.path() / "new"};
  {
    FullDisk full;
    EXPECT_THROW((void)run_benchmark(request, full), OutputError);
  }
  EXPECT_FALSE(fs::exists(directory.path() / "new"));
}

TEST(RunBenchmark, NumbersTheClassesAsTheRequestSays) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.classes = {"light", "dark"};
  const Report report = run_benchmark(request);
  EXPECT_EQ(report.dataset.classes, request.classes);
  EXPECT_EQ(report.results[0].per_image.label[0], 1U);
}

TEST(RunBenchmark, GivesAnApproachThatIsAskedForTwiceANumber) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.approaches[1].name = "a";
  const Report report = run_benchmark(request);
  EXPECT_EQ(report.results[1].approach, "a#2");
}

TEST(RunBenchmark, RefusesWhatDoesNotFitBeforeItLooksAtAnything) {
  RunRequest request = in_process("no such directory");
  request.approaches[0].engine = "unheard-of";
  EXPECT_NE(refusal<UsageError>(request).find("no such engine"), std::string::npos);
  request = in_process("no such directory");
  request.models = {{"c", "net.ckpt"}};
  EXPECT_NE(refusal<UsageError>(request).find("no approach and no engine 'c'"), std::string::npos);
  request = in_process("no such directory");
  request.models = {{"a", "one.ckpt"}, {"a", "two.ckpt"}};
  EXPECT_NE(refusal<UsageError>(request).find("given twice for 'a'"), std::string::npos);
  request = in_process("no such directory");
  request.processes = 5;
  EXPECT_NE(refusal<UsageError>(request).find("there are no workers"), std::string::npos);
  request = in_process("no such directory");
  request.options.threshold = std::nan("");
  EXPECT_NE(refusal<UsageError>(request).find("`threshold`"), std::string::npos);
  request = in_process("no such directory");
  EXPECT_NE(refusal<InputError>(request).find("no such directory"), std::string::npos);
}

TEST(RunBenchmark, RefusesWorkersInAProgramThatCannotBecomeOne) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.isolation = Isolation::process;
  EXPECT_NE(refusal<UsageError>(request).find("run_worker_if_asked"), std::string::npos);
}

TEST(RunBenchmark, RunsEnginesOfTheProgramsOwn) {
  const TemporaryDirectory directory;
  Toolkit toolkit = built_in_toolkit();
  Backend mine;
  mine.engine = "mine";
  mine.precisions = {Precision::fp32};
  mine.needs_model = false;
  mine.unavailable = [](const Approach&) { return std::nullopt; };
  mine.open = [&](const BackendRequest& request) {
    BackendRequest null = request;
    null.approach.engine = "null";
    return built_in_toolkit().registry.open(null);
  };
  toolkit.registry.add(std::move(mine));
  RunRequest request = in_process(made_images(directory.path() / "set"));
  request.approaches = {parse_approach("mine-fp32")};
  SessionObserver silent;
  EXPECT_EQ(run_benchmark(request, silent, toolkit).results.at(0).approach, "mine-fp32@cpu");
}

TEST(MachineNoise, IsOfOneApproachAgainstItself) {
  const TemporaryDirectory directory;
  RunRequest request = in_process(made_images(directory.path() / "set"));
  SessionObserver silent;
  EXPECT_THROW((void)measure_machine_noise(request, silent), UsageError);
  request.approaches.pop_back();
  const Report report = measure_machine_noise(request, silent);
  ASSERT_EQ(report.results.size(), 2U);
  ASSERT_TRUE(report.noise);
  EXPECT_EQ(report.noise->approach, "a");
}

TEST(ExpectComplete, CountsExactlyAtTheLimitAsWithinIt) {
  Report report;
  report.dataset.found = 100;
  report.dataset.skipped.resize(5, {"x.png", "broken"});
  EXPECT_NO_THROW(expect_complete(report, std::size_t{5}));
  EXPECT_THROW(expect_complete(report, std::size_t{4}), InputError);
  EXPECT_NO_THROW(expect_complete(report, 0.05));
  EXPECT_THROW(expect_complete(report, 0.04), InputError);
  EXPECT_NO_THROW(expect_complete(report));
  EXPECT_THROW(expect_complete(report, std::nan("")), UsageError);
}

TEST(ExpectComplete, NamesTheApproachThatFailed) {
  Report report;
  report.results.resize(1);
  report.results[0].approach = "a";
  report.results[0].error = "it died";
  EXPECT_THROW(expect_complete(report), BackendError);
}

}  // namespace
}  // namespace stagemark
