// Writes what messages_fuzz starts from into the directory that is its argument: whole messages as the present version
// writes them, which stored files would cease to be with its next change.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "load/load_messages.hpp"
#include "suite/turn_messages.hpp"
#include "workers/frames.hpp"

namespace {

using namespace stagemark;
using namespace stagemark::worker_protocol;
using namespace std::chrono_literals;

ApproachRequest request() {
  ApproachRequest request;
  request.approach = parse_approach("fast=libtorch-fp32@cpu+fold");
  request.model = "net.ckpt";
  request.max_batch = 2;
  return request;
}

Dataset dataset() {
  Dataset dataset;
  dataset.root = "images";
  for (int i = 0; i < 4; ++i) dataset.entries.push_back({std::to_string(i) + ".png", std::nullopt});
  return dataset;
}

/// Of four images, of which one cannot be read.
Measured measured(bool asynchronous) {
  Measured measured;
  ApproachResult& result = measured.result;
  result.asynchronous = asynchronous;
  result.facts.details = {{"threads", "2"}};
  for (std::size_t image = 0; image < 3; ++image) {
    result.inferences.push_back({image, Prediction{0.7, 0.8, std::nullopt}});
    CallRecord call;
    call.first_inference = image;
    call.size = 1;
    call.times.add(Stage::inference, 2ms);
    result.calls.push_back(call);
  }
  result.failures.push_back({1, "the network gave no number"});
  measured.notes.broken.emplace(3, "it is no image");
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  const auto write = [&](const char* name, MessageType type, const std::vector<std::byte>& content) {
    const std::vector<std::byte> bytes = frame(type, content);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are written as they are
    std::ofstream(directory / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  write("setup", MessageType::setup, encode(Setup{request(), dataset(), {}, {}}));
  write("load-setup", MessageType::setup,
        encode(LoadSetup{request(), dataset(), {.instances = 2, .threads = 1, .max_batch = 4}, {}, 1U << 20U}));
  write("turn", MessageType::turn, encode(Turn{}));
  write("load-order", MessageType::turn, encode(LoadOrder{OpenLoop{{1ms, 2ms, 5ms}}, 2, 1s, false}));
  write("measured", MessageType::measured, encode(measured(false)));
  write("measured-async", MessageType::measured, encode(measured(true)));
  QueryRecord query;
  query.scheduled = 1ms;
  write("queries", MessageType::queries, encode(LogPart{{query, query}, 3ms, true}));
}
