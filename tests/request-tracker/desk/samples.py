"""Text that breaks exports: what people really write to a help desk, and what they should not."""

TEXTS = [
    "プリンターが動きません。\n\nエラー：「用紙がありません」と表示されます。",
    "It says \"no paper\", then 'no ink', then nothing.",
    "one,two,three\nfour;five\tsix",
    "=1+1",
    "+SUM(A1:A9)\n-2+3\n@cmd|' /C calc'!A0",
    "Line one\r\nLine two\r\n\r\nLine four",
    "😀 👩‍👩‍👧‍👦 🇯🇵 é é ﷽",
    "مرحبا، الطابعة لا تعمل. שלום",
    "\"\"\",\"\"\"\n\"",
    "  leading and trailing blanks  ",
    "Zero\u200bwidth, no\u00a0break, line\u2028separator, bom \ufeff inside",
    "NULL",
    "007",
    "1.0e3",
    "\\N \\n \\\" back\\slash",
    "𠮷野家 髙島屋 ①②③ ㈱ ～ −",
    "A long line " + "without an end " * 400,
    "<b>not HTML</b> & &amp; &lt;",
    "{\"json\": [1, 2, null]}",
    "tab\there, vertical\u000btab, form\u000cfeed",
    "x",
    "-",
    "true",
    "2031-03-12",
]

SUBJECTS = [
    "印刷できない（至急）",
    "Printer \"HP\", 3rd floor",
    "=HYPERLINK(\"http://example.test\",\"click\")",
    "Re: Re: Fwd: 😀 emoji in the subject",
    "مشكلة في الطابعة",
    "Comma, semicolon; tab\tend",
    "0012",
    "Très long: " + "é" * 180,
    "'single' and `back` quotes",
    "",
]

HTML = [
    "<html><body><p>こんにちは、<b>太字</b>です。</p><table><tr><td>1,2</td><td>\"3\"</td></tr></table></body></html>",
    "<div>Line one<br>Line two &amp; more &nbsp; <a href=\"http://example.test/?a=1&b=2\">link</a></div>\n\n<!-- a comment -->",
    "<p>" + "長い段落。" * 2000 + "</p>",
]

FILENAMES = ["report.txt", "請求書（3月）.pdf", "a \"quoted\", name.csv", "smile 😀.bin", "no-extension", "résumé.txt", "見積書.xlsx"]

# Every byte there is, so that nothing can pass by luck of an encoding.
BYTES = bytes(range(256)) * 4
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "0500017a5eab3f0000000049454e44ae426082"
)


def pick(values, number):
    """The value for this number, round and round."""
    return values[number % len(values)]
