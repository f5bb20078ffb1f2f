#include "stagemark/backend/approach.hpp"

#include <gtest/gtest.h>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

std::string message_of(const std::string& text) {
  try {
    (void)parse_approach(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

TEST(Approach, ReadsEveryPart) {
  const Approach approach = parse_approach("new=libtorch-fp16@cuda:1+graph+nchw");
  EXPECT_EQ(approach.name, "new");
  EXPECT_EQ(approach.engine, "libtorch");
  EXPECT_EQ(approach.precision, Precision::fp16);
  EXPECT_EQ(approach.device, (Device{Device::Kind::cuda, 1}));
  EXPECT_EQ(approach.options, (std::vector<std::string>{"graph", "nchw"}));
}

TEST(Approach, PrintsWhatItReads) {
  for (const std::string text : {"libtorch-fp32", "libtorch-fp32@cpu", "onnxruntime-int8@cuda:0", "null-fp32@cpu",
                                 "libtorch-bf16@cuda:12+graph", "my-engine-bf16+a+b-c"}) {
    EXPECT_EQ(to_string(parse_approach(text)), text);
  }
}

TEST(Approach, PrintsCudaWithItsIndex) {
  EXPECT_EQ(to_string(parse_approach("libtorch-fp16@cuda")), "libtorch-fp16@cuda:0");
}

TEST(Approach, IsLabelledByItsNameWhereItHasOne) {
  EXPECT_EQ(parse_approach("v2=libtorch-fp32@cpu").label(), "v2");
  EXPECT_EQ(parse_approach("libtorch-fp32@cpu").label(), "libtorch-fp32@cpu");
}

TEST(Approach, SaysWhichPartIsWrong) {
  EXPECT_NE(message_of("libtorch").find("no engine and precision"), std::string::npos);
  EXPECT_NE(message_of("libtorch-fp64").find("'fp64' is not a precision"), std::string::npos);
  EXPECT_NE(message_of("libtorch-fp32@gpu").find("'gpu' is not a device"), std::string::npos);
  EXPECT_NE(message_of("libtorch-fp32+").find("'' is not an option"), std::string::npos);
  EXPECT_NE(message_of("=libtorch-fp32").find("the name before '='"), std::string::npos);
  EXPECT_NE(message_of("-fp32").find("no engine and precision"), std::string::npos);
  EXPECT_NE(message_of("").find("no engine and precision"), std::string::npos);
}

TEST(Device, RefusesWhatIsNotOne) {
  for (const std::string text :
       {"", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999999999999", "cuda1"}) {
    EXPECT_EQ(parse_device(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace stagemark
