#!/usr/bin/env python3
"""Writes data/chat.json: what jinja2 makes of conversations with the known chat templates.

    make_chat_oracle.py qwen3=Qwen3-30B-A3B/chat_template.jinja qwen3_thinking=... chatml=...

An argument is kind=file, the program as it stands in a checkpoint's chat_template.jinja or, as
a string, in its tokenizer_config.json. The demo model's is always rendered. Checkpoints'
programs are not kept here; chat_template.cpp knows them by the printed hash, which is XXH3-64
of the program without white space. Needs: pip install jinja2 xxhash
"""

import json
import os
import sys

import xxhash
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))
DEMO = os.path.join(HERE, "..", "..", "..", "models", "demo", "target", "tokenizer_config.json")


def turns(*parts):
    messages = []
    for part in parts:
        role, content = part.split(":", 1)
        messages.append({"role": {"s": "system", "u": "user", "a": "assistant"}[role], "content": content})
    return messages


def conversations():
    think = "a:<think>\nLet me see.\n</think>\n\nForty-two."
    yield turns("u:Hi there!")
    yield turns("s:Be brief.", "u:Hi there!")
    yield turns("u:What is 6 * 7?", think, "u:And 6 * 8?")
    yield turns("s:", "u:", "a:", "u:\n\nx\n")
    yield turns("s:One", "s:Two", "u:x", "s:Three", "a:y", "u:z")
    yield turns("u:x", think)
    yield turns("u:x", "a:plain answer")
    yield turns("u:x", "a:\n\nleading newlines\n")
    yield turns("u:x", "a:one", "a:two", "a:<think>t</think>three")
    yield turns("u:x", "a:<think>a</think>b<think>c</think>\n\nd", "u:y", "a:<think>\n\n</think>\n\nempty")
    yield turns("u:x", "a:no open</think>\nrest", "a:<think>never closed")
    yield turns("u:q", "a:calling", "u:<tool_response>\n4\n</tool_response>", "a:<think>\nso\n</think>\nfour")
    yield turns("u:<tool_response>only</tool_response>", "a:<think>k</think>r")
    yield turns("a:first", "u:then")
    yield turns("s:only")
    yield turns("a:<think>alone</think>said")
    yield turns("u:Zoë 日本 👩‍🚀 <b>&amp;</b> {{ 7 * 7 }} {% raw %} '\"\\", "a:\u00a0x\u2028", "u:e\u0301")
    yield [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "reasoning_content": "\n\nthought\n\n"}]
    yield [{"role": "user", "content": "x"}, {"role": "assistant", "content": "\n<think>kept</think>", "reasoning_content": ""}, {"role": "assistant", "content": "z", "reasoning_content": "r"}]


def main():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as in transformers
    with open(DEMO, encoding="utf-8") as file:
        programs = [("chatml", json.load(file)["chat_template"])]
    for argument in sys.argv[1:]:
        kind, path = argument.split("=", 1)
        with open(path, encoding="utf-8") as file:
            programs.append((kind, file.read()))
    rows = []
    for kind, program in programs:
        bare = "".join(c for c in program if c not in " \n\r\t")
        print(kind, "0x%016x" % xxhash.xxh3_64_intdigest(bare.encode()))
        template = environment.from_string(program)
        for messages in conversations():
            for prompt in (True, False):
                for thinking in (True, False):
                    text = template.render(messages=messages, add_generation_prompt=prompt, enable_thinking=thinking)
                    row = dict(kind=kind, messages=messages, prompt=prompt, thinking=thinking, text=text)
                    if row not in rows:
                        rows.append(row)
    with open(os.path.join(HERE, "data", "chat.json"), "w", encoding="ascii") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(len(rows), "renderings")


if __name__ == "__main__":
    main()
