// A worker whose approach does what its first argument says.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/suite/worker_program.hpp"
#include "suite/turn_messages.hpp"
#include "workers/frames.hpp"

namespace {

using namespace stagemark;

/// Images that are the number in their name; number 13 is broken, and of some number 100 lies where nothing answers.
class Numbers final : public ImageSource {
 public:
  explicit Numbers(bool stops) : stops_(stops) {}
  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    const int number = std::stoi(file.filename().string());
    if (number == 13) throw InputError("unlucky");
    if (stops_ && number == 100) std::this_thread::sleep_for(std::chrono::hours(1));
    return {1, 1, 1, {static_cast<std::uint8_t>(number)}};
  }

 private:
  bool stops_;
};

/// Misbehaves at the hundredth call, warm-up and settling included.
class Misbehaving {
 public:
  explicit Misbehaving(std::string how) : how_(std::move(how)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const {
    ExecutionFacts facts;
    facts.precision = how_ == "lie" ? Precision::fp32 : Precision::bf16;
    const std::string process = std::to_string(getpid());
    facts.model = how_ == "replaced" ? ModelFacts{"model", "made", process, 42}
                                     : ModelFacts{"model of " + process, "made", "", 42};
    facts.details = {{"how", how_}};
    return facts;
  }
  static int preprocess(std::span<const Image> images) { return images[0].pixels[0]; }
  int extract_features(const int& number) {
    if (++calls_ >= 100) misbehave();
    if (how_ == "throw" && number == 7) throw std::runtime_error("seven");
    return number;
  }
  void classify(const int& number, std::span<Prediction> out) {
    out[0] = {number % 2 == 1 ? 0.9 : 0.1, number % 2 == 1 ? 2.0 : -2.0, std::nullopt};
    scores_[1] = number % 2 == 1 ? 2.0F : -2.0F;
  }
  [[nodiscard]] std::span<const float> scores() const { return scores_; }

 private:
  void misbehave() {
    if (how_ == "crash") {
      std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would catch it
      std::raise(SIGSEGV);
    }
    if (how_ == "kill") std::raise(SIGKILL);
    if (how_ == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
    if (how_ == "exit") {
      std::fputs("first line\nno more memory\n", stderr);
      std::_Exit(9);
    }
  }

  std::string how_;
  int calls_ = 0;
  std::array<float, 2> scores_ = {};
};

void send(worker_protocol::MessageType type, const std::vector<std::byte>& content) {
  const std::vector<std::byte> bytes = worker_protocol::frame(type, content);
  (void)::send(worker_protocol::channel_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

/// As builds would of which one knows another protocol, or one that is broken.
void speak_strangely(const std::string& how) {
  using namespace worker_protocol;
  send(MessageType::ready, encode_version(how == "newer" ? version + 1 : version));
  if (how == "deaf") std::this_thread::sleep_for(std::chrono::hours(1));
  Measured measured;
  measured.result.inferences.push_back({how == "stray" ? 1'000'000U : 0U, Prediction{}});
  measured.result.calls.resize(1);
  measured.result.calls[0].size = how == "classes" ? 1 : 5;
  if (how == "classes") measured.result.scores = {std::size_t{1} << 60U, {1.0F}};
  send(MessageType::opened, encode(measured));
  char byte = 0;
  while (recv(channel_descriptor, &byte, 1, 0) > 0) continue;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "work";
  if (how == "mute") return 0;
  if (how == "older") {
    // Read their command line before they told their version.
    std::fputs("made_worker: no such option; see 'made_worker --help'\n", stderr);
    return 2;
  }
  if (how == "newer" || how == "stray" || how == "overlong" || how == "classes" || how == "deaf") {
    speak_strangely(how);
    return 0;
  }
  // What a library prints must not get between the messages.
  std::puts("loading");
  serve_as_worker([&](const ApproachRequest& request) -> OpenedApproach {
    if (how == "refuse") throw ModelError("has no head", "net.ckpt");
    if (how == "nothing") return {};
    if (how == "number") throw 42;  // NOLINT(hicpp-exception-baseclass): what somebody's engine may do
    if (how == "slow") std::this_thread::sleep_for(std::chrono::hours(1));
    return {request.approach, std::make_unique<Timed<Misbehaving>>(how), std::make_shared<Numbers>(how == "unread")};
  });
  return 0;
}
