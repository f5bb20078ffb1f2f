#include "stagemark/model/checkpoint_writer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"

namespace stagemark {
namespace {

std::vector<NamedTensor> tensors() {
  std::vector<NamedTensor> result;
  result.push_back({"model.features.0.weight", {2, 1, 1, 2}, std::vector<float>{0.5F, -1.5F, 3e-38F, 65504.0F}});
  result.push_back({"model.features.1.num_batches_tracked", {}, std::vector<std::int64_t>{1'234'567'890'123}});
  result.push_back({"model.empty", {0}, std::vector<float>{}});
  return result;
}

const std::vector<std::pair<std::string, HyperParameter>> hyper_parameters = {
    {"synthetic", true}, {"seed", std::int64_t{70'000}}, {"rate", 0.25}, {"name", std::string("größe")}};

TEST(CheckpointWriter, WritesWhatTheReaderReads) {
  const TemporaryDirectory directory;
  write_lightning_checkpoint(directory / "a.ckpt", tensors(), hyper_parameters);
  const Checkpoint file = Checkpoint::open(directory / "a.ckpt");
  EXPECT_EQ(file.format(), "lightning-checkpoint");
  EXPECT_EQ(file.read_floats("features.0.weight"), (std::vector<float>{0.5F, -1.5F, 3e-38F, 65504.0F}));
  EXPECT_EQ(file.tensors().at("features.0.weight").shape, (std::vector<std::int64_t>{2, 1, 1, 2}));
  EXPECT_EQ(file.tensors().at("features.1.num_batches_tracked").type, ScalarType::int64);
  EXPECT_TRUE(file.read_floats("empty").empty());
  EXPECT_EQ(file.hyper_parameters().at("seed"), "70000");
  EXPECT_EQ(file.hyper_parameters().at("synthetic"), "True");
  EXPECT_EQ(file.hyper_parameters().at("rate"), "0.25");
  EXPECT_EQ(file.hyper_parameters().at("name"), "größe");
}

TEST(CheckpointWriter, WritesTheSameBytesForTheSameInput) {
  const TemporaryDirectory directory;
  write_lightning_checkpoint(directory / "a.ckpt", tensors(), hyper_parameters);
  write_lightning_checkpoint(directory / "b.ckpt", tensors(), hyper_parameters);
  EXPECT_EQ(TemporaryDirectory::read(directory / "a.ckpt"), TemporaryDirectory::read(directory / "b.ckpt"));
}

TEST(CheckpointWriter, WritesWhatPyTorchLoads) {
  if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) GTEST_SKIP() << "no PyTorch for Python here";
  const TemporaryDirectory directory;
  write_lightning_checkpoint(directory / "a.ckpt", tensors(), hyper_parameters);
  std::ofstream(directory / "check.py") << R"(import sys, torch
file = torch.load(sys.argv[1], map_location="cpu")
state = file["state_dict"]
assert list(state) == ["model.features.0.weight", "model.features.1.num_batches_tracked", "model.empty"], state
assert state["model.features.0.weight"].tolist()[0][0][0] == [0.5, -1.5], state
assert state["model.features.1.num_batches_tracked"].item() == 1234567890123
assert state["model.empty"].shape == (0,)
assert file["hyper_parameters"] == {"synthetic": True, "seed": 70000, "rate": 0.25, "name": "größe"}, file
assert "pytorch-lightning_version" in file
)";
  const std::string command =
      "/usr/bin/python3 " + (directory / "check.py").string() + " " + (directory / "a.ckpt").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(CheckpointWriter, LeavesNothingBehindWhereItCannotWrite) {
  EXPECT_THROW(write_lightning_checkpoint("/proc/nowhere/a.ckpt", tensors(), {}), OutputError);
  // The bytes can be written, but not under their name.
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "a.ckpt/taken");
  EXPECT_THROW(write_lightning_checkpoint(directory / "a.ckpt", tensors(), {}), OutputError);
  EXPECT_FALSE(std::filesystem::exists(directory / "a.ckpt.part"));
  EXPECT_TRUE(std::filesystem::exists(directory / "a.ckpt/taken"));
}

}  // namespace
}  // namespace stagemark
