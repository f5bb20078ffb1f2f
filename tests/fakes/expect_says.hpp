#pragma once

#include <gtest/gtest.h>

#include <string>

/// That a sentence holds a part; the whole of it is shown where it does not.
#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)
