#include "stagemark/backend/runtime_configuration.hpp"

#include <gtest/gtest.h>

namespace stagemark {
namespace {

TEST(RuntimeConfiguration, IsKeptByNameAndReadBack) {
  RuntimeConfiguration configuration;
  configuration.own_blas = "MKL";
  configuration.more = {{"openmp", "4.5"}, {"cuda", "12.4"}};
  const auto named = to_names(configuration);
  EXPECT_EQ(named, (std::vector<std::pair<std::string, std::string>>{
                       {"own_blas", "MKL"}, {"openmp", "4.5"}, {"cuda", "12.4"}}));
  const RuntimeConfiguration read = from_names(named);
  EXPECT_EQ(read.own_blas, "MKL");
  EXPECT_FALSE(read.build_type);
  EXPECT_FALSE(read.cpu_capability);
  EXPECT_EQ(read.more, configuration.more);
}

}  // namespace
}  // namespace stagemark
