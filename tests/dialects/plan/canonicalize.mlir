// RUN: sluice-opt %s --canonicalize | FileCheck %s

// A wait on the stream that recorded the event orders nothing, and an event that
// nothing waits for marks nothing. The third event orders two streams and stays.

// CHECK-LABEL: plan.entry @step
// CHECK-NEXT:    %[[EVENT:.*]] = plan.record on demand
// CHECK-NEXT:    plan.wait %[[EVENT]] on compute
// CHECK-NEXT:  }
plan.entry @step rows 1 logit_rows 1 {
  %same = plan.record on compute
  plan.wait %same on compute
  %unused = plan.record on copy_back
  %kept = plan.record on demand
  plan.wait %kept on compute
}
