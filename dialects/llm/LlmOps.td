//===- LlmOps.td - All ops of the llm dialect --------------*- tablegen -*-===//
#ifndef SLUICE_LLM_OPS_TD
#define SLUICE_LLM_OPS_TD

include "dialects/llm/LlmComputeOps.td"
include "dialects/llm/LlmModelOps.td"

#endif // SLUICE_LLM_OPS_TD
