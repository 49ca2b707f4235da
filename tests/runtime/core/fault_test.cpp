//===- fault_test.cpp - What SLUICE_FAULT understands and refuses ---------===//

#include "runtime/core/fault.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

/// What setFaults says on stderr of a list.
std::string said(const std::string &list) {
  testing::internal::CaptureStderr();
  setFaults(list);
  std::string text = testing::internal::GetCapturedStderr();
  setFaults("");
  return text;
}

TEST(Fault, WhatIsNotUnderstoodNamesAllThatIs) {
  const std::string unknown = said("urin");
  EXPECT_EQ(unknown, "SLUICE_FAULT: found 'urin', expected uring, direct, pin, "
                     "alloc, read, short, graph, late or far, alone or as "
                     "NAME:N; left out\n");
  for (const char *bad : {"read:0", "read:-1", "read:x", "read:", ":3"})
    EXPECT_NE(said(bad).find(std::string("found '") + bad + "'"),
              std::string::npos)
        << bad;
}

/// Every name of the message is one.
TEST(Fault, NamesAreUnderstood) {
  EXPECT_EQ(said("uring,direct,pin,alloc,read,short,graph,late,far"), "");
  EXPECT_EQ(said("late:2,far:18446744073709551614"), "");
}

TEST(Fault, HappensAlwaysOrOnce) {
  setFaults("far,late:2,nothing:1");
  EXPECT_TRUE(faultHits(Fault::Far));
  EXPECT_TRUE(faultHits(Fault::Far));
  EXPECT_FALSE(faultHits(Fault::Late));
  EXPECT_TRUE(faultHits(Fault::Late));
  EXPECT_FALSE(faultHits(Fault::Late));
  EXPECT_FALSE(faultHits(Fault::Pin));
  setFaults("");
  EXPECT_FALSE(faultHits(Fault::Far));
}

} // namespace
} // namespace sluice
