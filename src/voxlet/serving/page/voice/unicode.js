// Properties of characters that browsers do not provide, from Unicode 14 as in Python's `unicodedata`.

/** Characters whose compatibility form means something else: superscripts, subscripts, fractions. */
export const OTHER_MEANING = new RegExp(
  `^[${
    String.raw`\u{aa}\u{b2}-\u{b3}\u{b9}-\u{ba}\u{bc}-\u{be}\u{2b0}-\u{2b8}\u{2e0}-\u{2e4}\u{10fc}\u{1d2c}-\u{1d2e}` +
    String.raw`\u{1d30}-\u{1d3a}\u{1d3c}-\u{1d4d}\u{1d4f}-\u{1d6a}\u{1d78}\u{1d9b}-\u{1dbf}\u{2070}-\u{2071}` +
    String.raw`\u{2074}-\u{208e}\u{2090}-\u{209c}\u{2120}\u{2122}\u{2150}-\u{215f}\u{2189}\u{2c7c}-\u{2c7d}\u{2d6f}` +
    String.raw`\u{3192}-\u{319f}\u{a69c}-\u{a69d}\u{a770}\u{a7f2}-\u{a7f4}\u{a7f8}-\u{a7f9}\u{ab5c}-\u{ab5f}` +
    String.raw`\u{ab69}\u{10781}-\u{10785}\u{10787}-\u{107b0}\u{107b2}-\u{107ba}\u{1f16a}-\u{1f16c}`
  }]`,
  'u',
);

/** Letters that are written from right to left, as in Arabic. */
export const ARABIC_LETTER = new RegExp(
  `^[${
    String.raw`\u{608}\u{60b}\u{60d}\u{61b}-\u{64a}\u{66d}-\u{66f}\u{671}-\u{6d5}\u{6e5}-\u{6e6}\u{6ee}-\u{6ef}` +
    String.raw`\u{6fa}-\u{70d}\u{70f}-\u{710}\u{712}-\u{72f}\u{74d}-\u{7a5}\u{7b1}\u{860}-\u{86a}\u{870}-\u{88e}` +
    String.raw`\u{8a0}-\u{8c9}\u{fb50}-\u{fbc2}\u{fbd3}-\u{fd3d}\u{fd50}-\u{fd8f}\u{fd92}-\u{fdc7}\u{fdf0}-\u{fdfc}` +
    String.raw`\u{fe70}-\u{fe74}\u{fe76}-\u{fefc}\u{10d00}-\u{10d23}\u{10f30}-\u{10f45}\u{10f51}-\u{10f59}` +
    String.raw`\u{1ec71}-\u{1ecb4}\u{1ed01}-\u{1ed3d}\u{1ee00}-\u{1ee03}\u{1ee05}-\u{1ee1f}\u{1ee21}-\u{1ee22}` +
    String.raw`\u{1ee24}\u{1ee27}\u{1ee29}-\u{1ee32}\u{1ee34}-\u{1ee37}\u{1ee39}\u{1ee3b}\u{1ee42}\u{1ee47}` +
    String.raw`\u{1ee49}\u{1ee4b}\u{1ee4d}-\u{1ee4f}\u{1ee51}-\u{1ee52}\u{1ee54}\u{1ee57}\u{1ee59}\u{1ee5b}` +
    String.raw`\u{1ee5d}\u{1ee5f}\u{1ee61}-\u{1ee62}\u{1ee64}\u{1ee67}-\u{1ee6a}\u{1ee6c}-\u{1ee72}` +
    String.raw`\u{1ee74}-\u{1ee77}\u{1ee79}-\u{1ee7c}\u{1ee7e}\u{1ee80}-\u{1ee89}\u{1ee8b}-\u{1ee9b}` +
    String.raw`\u{1eea1}-\u{1eea3}\u{1eea5}-\u{1eea9}\u{1eeab}-\u{1eebb}`
  }]`,
  'u',
);

/** Signs that remove a letter's vowel (combining class 9). */
export const VIRAMA = new RegExp(
  `^[${
    String.raw`\u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d3b}-\u{d3c}\u{d4d}\u{dca}\u{e3a}\u{eba}` +
    String.raw`\u{f84}\u{1039}-\u{103a}\u{1714}-\u{1715}\u{1734}\u{17d2}\u{1a60}\u{1b44}\u{1baa}-\u{1bab}` +
    String.raw`\u{1bf2}-\u{1bf3}\u{2d7f}\u{a806}\u{a82c}\u{a8c4}\u{a953}\u{a9c0}\u{aaf6}\u{abed}\u{10a3f}\u{11046}` +
    String.raw`\u{11070}\u{1107f}\u{110b9}\u{11133}-\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}` +
    String.raw`\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}-\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}` +
    String.raw`\u{11c3f}\u{11d44}-\u{11d45}\u{11d97}`
  }]`,
  'u',
);
