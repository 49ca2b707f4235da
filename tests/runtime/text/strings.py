"""The strings that the tokenizer tests encode: one seeded list of byte strings."""

import random
import unicodedata

PROSE = [
    "The quick brown fox jumps over the lazy dog, doesn't it? I'LL say we've won; they'RE sure I'd go.",
    "A naïve façade: Zoë's résumé cost €1,234.56 (≈ £1'050), 7½ % more than in 1999.",
    "Zwölf Boxkämpfer jagen Eva quer über den Sylter Deich. STRASSE, Straße, ﬁn, ﬂoß, ſo, 'ſ 'K",
    "Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis.",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia; ¿y tú? ¡Qué!",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Київ, Београд, ѝ й ё",
    "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. Ὀδυσσεύς, ἄνδρα μοι ἔννεπε, μοῦσα",
    "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ١٢٣٤٥ ۱۲۳ بِسْمِ ٱللَّٰهِ",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה. שָׁלוֹם בְּרֵאשִׁית",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण १२३ क्षत्रिय ज्ञ क़ ख़",
    "আমার সোনার বাংলা, আমি তোমায় ভালোবাসি। ০১২৩ ো ৌ",
    "தமிழ் மொழி அழகானது ௧௨௩ கொ கோ", "తెలుగు అక్షరాలు ౧౨౩ కై", "ಕನ್ನಡ ಲಿಪಿ ಕೊ ೧೨೩", "മലയാളം ൧൨൩ കൊ",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า ๑๒๓ กว่าบรรดาฝูงสัตว์", "ພາສາລາວ ໑໒໓", "ភាសាខ្មែរ ១២៣", "မြန်မာဘာသာ ၁၂၃",
    "いろはにほへと ちりぬるを。カタカナ ｶﾞｷﾞ ガギ が ぱ 日本語の文章、１２３ 第4章「東京」〜", "敏捷的棕色狐狸跳过了懒狗。一二三，《红楼梦》２０２４年１月",
    "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 각 한글 ᄀ ᅡ ᆨ", "Tiếng Việt: Con sói nâu nhảy qua con chó lười ệ ế ậ",
    "ქართული ანბანი, Նախադասություն, አማርኛ ፩፪፫, ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ, ᠮᠣᠩᠭᠣᠯ᠎ᠠ", "བོད་སྐད་ ༡༢༣, 𐌰𐌱𐌲, 𓀀𓀁, 𝔄𝕓𝒸 𝟙𝟚𝟛, 𠀀𪚥𱍊",
    "⅓ ⅷ Ⅻ ² ₃ ① ⑩ ㊿ 〇 ¾ ٣ ፲ 𐄇 𒐀", "½+¼=¾; x²+y³≤∞; ∑∫√∂ ≠ ≈ ± × ÷ ∀∃∈∉ ⊂⊃ → ⇒ ←",
]
EMOJI = [
    "😀😃😄", "👨‍👩‍👧‍👦 family", "🏳️‍🌈🏴‍☠️", "👍🏽👍🏿 ok", "🇩🇪🇯🇵🇺🇸", "1️⃣2️⃣#️⃣", "🧑🏻‍🚀 to the 🌕!", "❤️‍🔥", "🫨🪿🫷🏽 🩷", "☎︎☎️",
]
CODE = [
    "def f(x: int) -> str:\n    return f\"{x!r:>10}\"  # comment\n\n\nif __name__ == '__main__':\n\tprint(f(42))\n",
    "#include <vector>\nint main() { std::vector<int> v{1,2,3}; for (auto &&x : v) x <<= 1; return v[0]; }\r\n",
    '{"a": [1, 2.5e-10, null, true], "b": {"c": "\\u00e9\\n"}}', "SELECT * FROM t WHERE a_b = 'it''s' AND c <> 10; -- x",
    "<html><body class=\"x\">&nbsp;&amp;</body></html>", "$ grep -rn 'foo.*bar' ./src | awk '{print $2}' >> /tmp/x_y.log 2>&1",
    "https://example.org/a/b?q=1&r=%20#frag user@example.com", "0x1F 0b1010 1_000_000 1e-9 3.14159265358979 -1 +2",
    "for(;;){i++;--j;a->b;c::d;e[f]=!g&&h||~k;}", "fn main() { let s: &'static str = \"hi\"; println!(\"{s}\"); }",
]
SPECIALS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<|begin|>", "<|eot|>", "<tool>", "<mask>", "word", "the",
    "<sep>", "été", "e\u0301t\u00e9", "the end", "\u212b", "A\u030a", "<|eot|><|eot|>", "<|", "<|im_start", "|im_end|>", "<|IM_END|>",
]
SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\r", "\n\n", " \n", "\n ", "\u00a0", "\u3000", "\u2028", "\u0085", "\u180e", "\u200b", "\u200d", "\ufeff", "\u2003", "\x0b", "\x0c", "\x1c", "\x1f"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x302, 0x303, 0x304, 0x307, 0x308, 0x30A, 0x30C, 0x316, 0x323, 0x327, 0x328, 0x32D, 0x331, 0x338,
                          0x342, 0x345, 0x5B0, 0x5BC, 0x5C1, 0x64B, 0x651, 0x653, 0x654, 0x655, 0x670, 0x93C, 0x9BE, 0x9D7, 0xE38, 0xE48,
                          0xF71, 0xF72, 0xF74, 0x1161, 0x11A8, 0x3099, 0x309A, 0x1D165, 0x1D16E, 0x110BA, 0x11930, 0x0898, 0x1AC1)]
SINGLETONS = "\u2126\u212a\u212b\u0340\u0341\u0343\u0344\u0374\u037e\u0387\u1f71\u1fbe\u2000\u2001\u2329\uf900\ufa0e\ufb1d\ufb2a\u0958\u0f43\u2adc\U0001d15e\U0002f800\u1e9b\u0f73\uac00\uac01"
BLOCKS = [(0x20, 0x7F), (0x80, 0x250), (0x250, 0x370), (0x370, 0x530), (0x530, 0x700), (0x700, 0x900), (0x900, 0xE00), (0xE00, 0x1200),
          (0x1200, 0x1800), (0x1800, 0x2000), (0x2000, 0x2C00), (0x2C00, 0x3000), (0x3000, 0x3400), (0x3400, 0xA000), (0xA000, 0xABFF),
          (0xAC00, 0xD7A4), (0xE000, 0x10000), (0x10000, 0x10800), (0x10800, 0x11000), (0x11000, 0x12000), (0x12000, 0x18000),
          (0x1B000, 0x1D000), (0x1D000, 0x1F000), (0x1F000, 0x20000), (0x20000, 0x32400), (0xE0000, 0xE01F0), (0x10FF00, 0x110000)]


def training_texts():
    return PROSE * 3 + EMOJI + CODE * 2


def from_block(rng, count):
    low, high = rng.choice(BLOCKS)
    return "".join(chr(rng.randrange(low, high)) for _ in range(count)).encode("utf-8", "replace").decode()


def mixed(rng):
    parts = []
    for _ in range(rng.randrange(1, 8)):
        kind = rng.randrange(9)
        if kind == 0:
            parts.append(rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3, 17]))
        elif kind == 1:
            parts.append(rng.choice(EMOJI))
        elif kind == 2:
            parts.append("".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 12))))
        elif kind == 3:
            parts.append(from_block(rng, rng.randrange(1, 8)))
        elif kind == 4:
            parts.append(rng.choice(SPECIALS))
        elif kind == 5:
            parts.append(rng.choice("aeiouAEOUsSknऀकが각ΩωЙ") + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 5))))
        elif kind == 6:
            parts.append(rng.choice(["'s", "'T", "'re", "'VE", "'m", "'lL", "'d", "'ſ", "''s", "’s", "--", "_", "...", "!?", "//\n", "\\"]))
        elif kind == 7:
            parts.append(rng.choice(SINGLETONS))
        else:
            text = rng.choice(PROSE + CODE)
            start = rng.randrange(len(text))
            parts.append(text[start:start + rng.randrange(1, 24)])
    return "".join(parts)


def broken(rng):
    raw = bytearray(mixed(rng).encode())
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(raw) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            raw[at:at] = bytes([rng.randrange(128, 256)])
        elif kind == 1 and raw:
            del raw[min(at, len(raw) - 1)]
        elif kind == 2:
            raw[at:at] = rng.choice([b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xff\xfe", b"\x80\x80", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80"])
        else:
            raw = raw[:at]
    return bytes(raw)


def all_strings():
    rng = random.Random(20261122)
    cases = [b""]

    def add(text):
        cases.append(text if isinstance(text, bytes) else text.encode())

    for text in PROSE + EMOJI + CODE:
        for form in (text, unicodedata.normalize("NFD", text), unicodedata.normalize("NFKC", text), text.upper(), text.replace("\n", "\r\n"), " " + text):
            add(form)
        for word in text.split():
            add(word)
    for special in SPECIALS:
        for template in ("{0}", " {0} ", "a{0}b", "{0}{0}", "  {0}  {0}\n", "1{0}2", "{0}\u0301", "é {0}\t é", "_{0}-", "日{0}本"):
            add(template.format(special))
    for space in SPACES:
        for template in ("{0}", "a{0}b", "a{0}", "{0}b", "{0}{0}{0}x", "1{0}\n{0}2", "{0}!", "a{0}\r\n{0}"):
            add(template.format(space))
    for count in (2, 3, 7, 8, 15, 16, 31, 64, 127, 1000):
        for unit in (" ", "\n", "a", "1", "\t", "!", "é", "e\u0301", "日", "\u0301", "😀", "ab", "\r\n"):
            add(unit * count)
    for code in range(0x80):
        add(f"x{chr(code)}y{chr(code)}")
    for base in "aeoAuy":
        for mark in MARKS:
            add(base + mark + rng.choice(MARKS))
    for raw in (b"\x80", b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"a\xc3b", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80",
                b"\xc0\xaf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf1\x80\x80", b"\xf1\x80\x80\xe2\x82\xc3", b"caf\xe9", bytes(range(128, 256)), bytes(range(256))):
        add(raw)
        add(b"x " + raw + b" y")
    for _ in range(200):
        add(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 24))))
    for _ in range(300):
        add(broken(rng))
    for _ in range(700):
        add(mixed(rng))
    for _ in range(200):
        add(from_block(rng, rng.randrange(1, 12)))
    return list(dict.fromkeys(cases))
