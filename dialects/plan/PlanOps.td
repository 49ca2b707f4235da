//===- PlanOps.td - All ops of the plan dialect ------------*- tablegen -*-===//
#ifndef SLUICE_PLAN_OPS_TD
#define SLUICE_PLAN_OPS_TD

include "dialects/plan/PlanDataOps.td"
include "dialects/plan/PlanScheduleOps.td"
include "dialects/plan/PlanExpertOps.td"

#endif // SLUICE_PLAN_OPS_TD
