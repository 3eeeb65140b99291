/**
 * The tables of 7-bit characters of 3GPP TS 23.038: §6.2.1 and annex A. A row names code points in hexadecimal, in the order
 * of their septets: `41-5a` is a run, `.` a place without a character, `.3` three of them, `esc` the escape at 1b.
 *
 * Compared septet by septet with two transcriptions of the standard that others made: oFono 1.31 (of 23.038 V8.2.0 and later)
 * and one of V16.0.0; where these differ, also with Android's and two more. Where the standard itself is misprinted we have what
 * phones (Android) have, and what the order of the letters says:
 *
 *     locking  kannada  24  printed 0caa, which stands at 3d as well; ours 0ca1
 *     single   tamil    24  printed 0bef, which stands at 25 as well; ours 0bee
 *     single   telugu   22  printed 06cc, an Arabic letter; ours 0c6c
 *     single   telugu   23  printed 06cd, another; ours 0c6d
 */

/** National language identifiers. Source: 3GPP TS 23.038 §6.2.1.2.4. */
export const LANGUAGES = [
  'default',
  'turkish',
  'spanish',
  'portuguese',
  'bengali',
  'gujarati',
  'hindi',
  'kannada',
  'malayalam',
  'oriya',
  'punjabi',
  'tamil',
  'telugu',
  'urdu',
] as const

const GREEK_00 = '394 5f 3a6 393 39b 3a9 3a0 3a8 3a3 398 39e esc'
const SIGNS_20 = '20-23 a4 25-3f'
const LETTERS_40 = '41-5a c4 d6 d1 dc a7'
const LETTERS_60 = '61-7a e4 f6 f1 fc e0'
const SMALL = '61-7a'

/** The default alphabet, then the locking shift tables by language; Spanish has none. */
export const LOCKING: readonly (readonly string[])[] = [
  `40 a3 24 a5 e8 e9 f9 ec f2 c7 0a d8 f8 0d c5 e5 ${GREEK_00} c6 e6 df c9 ${SIGNS_20} a1 ${LETTERS_40} bf ${LETTERS_60}`,
  `40 a3 24 a5 20ac e9 f9 131 f2 c7 0a 11e 11f 0d c5 e5 ${GREEK_00} 15e 15f df c9 ${SIGNS_20} 130 ${LETTERS_40} e7 ${LETTERS_60}`,
  '',
  `40 a3 24 a5 ea e9 fa ed f3 e7 0a d4 f4 0d c1 e1 394 5f aa c7 c0 221e 5e 5c 20ac d3 7c esc c2 e2 ca c9 20-23 ba 25-3f
   cd 41-5a c3 d5 da dc a7 7e ${SMALL} e3 f5 60 fc e0`,
  `981-983 985-98b 0a 98c . 0d . 98f 990 .2 993-99a esc 99b-99e 20 21 99f-9a4 29 28 9a5 9a6 2c 9a7 2e 9a8 30-3b . 9aa 9ab 3f
   9ac-9b0 . 9b2 .3 9b6-9b9 9bc 9bd 9be-9c4 .2 9c7 9c8 .2 9cb-9cd 9ce ${SMALL} 9d7 9dc 9dd 9f0 9f1`,
  `a81-a83 a85-a8b 0a a8c a8d 0d . a8f a90 a91 . a93-a9a esc a9b-a9e 20 21 a9f-aa4 29 28 aa5 aa6 2c aa7 2e aa8 30-3b . aaa aab 3f
   aac-ab0 . ab2 ab3 . ab5-ab9 abc abd abe-ac5 . ac7-ac9 . acb-acd ad0 ${SMALL} ae0-ae3 af1`,
  `901-903 905-90b 0a 90c 90d 0d 90e 90f 910-91a esc 91b-91e 20 21 91f-924 29 28 925 926 2c 927 2e 928 30-3b 929-92b 3f
   92c-939 93c 93d 93e-94d 950 ${SMALL} 972 97b 97c 97e 97f`,
  `. c82 c83 c85-c8b 0a c8c . 0d c8e c8f c90 . c92-c9a esc c9b-c9e 20 21 c9f-ca4 29 28 ca5 ca6 2c ca7 2e ca8 30-3b . caa cab 3f
   cac-cb3 . cb5-cb9 cbc cbd cbe-cc4 . cc6-cc8 . cca-ccd cd5 ${SMALL} cd6 ce0-ce3`,
  `. d02 d03 d05-d0b 0a d0c . 0d d0e d0f d10 . d12-d1a esc d1b-d1e 20 21 d1f-d24 29 28 d25 d26 2c d27 2e d28 30-3b . d2a d2b 3f
   d2c-d39 . d3d d3e-d44 . d46-d48 . d4a-d4d d57 ${SMALL} d60-d63 d79`,
  `b01-b03 b05-b0b 0a b0c . 0d . b0f b10 .2 b13-b1a esc b1b-b1e 20 21 b1f-b24 29 28 b25 b26 2c b27 2e b28 30-3b . b2a b2b 3f
   b2c-b30 . b32 b33 . b35-b39 b3c b3d b3e-b44 .2 b47 b48 .2 b4b-b4d b56 ${SMALL} b57 b60-b63`,
  `a01-a03 a05-a0a . 0a .2 0d . a0f a10 .2 a13-a1a esc a1b-a1e 20 21 a1f-a24 29 28 a25 a26 2c a27 2e a28 30-3b . a2a a2b 3f
   a2c-a30 . a32 a33 . a35 a36 . a38 a39 a3c . a3e-a42 .4 a47 a48 .2 a4b-a4d a51 ${SMALL} a70-a74`,
  `. b82 b83 b85-b8a . 0a .2 0d b8e b8f b90 . b92-b95 .3 b99 b9a esc . b9c . b9e 20 21 b9f .3 ba3 ba4 29 28 .2 2c . 2e ba8
   30-3b ba9 baa . 3f .2 bae-bb9 .2 bbe-bc2 .3 bc6-bc8 . bca-bcd bd0 ${SMALL} bd7 bf0-bf2 bf9`,
  `c01-c03 c05-c0b 0a c0c . 0d c0e c0f c10 . c12-c1a esc c1b-c1e 20 21 c1f-c24 29 28 c25 c26 2c c27 2e c28 30-3b . c2a c2b 3f
   c2c-c33 . c35-c39 . c3d c3e-c44 . c46-c48 . c4a-c4d c55 ${SMALL} c56 c60-c63`,
  `627 622 628 67b 680 67e 6a6 62a 6c2 67f 0a 679 67d 0d 67a 67c 62b 62c 681 684 683 685-687 62d-62f esc 68c 688-68a
   20 21 68f 68d 630 631 691 693 29 28 699 632 2c 696 2e 698 30-3b 69a 633 634 3f 635-639 641 642 6a9-6ab 6af 6b3 6b1 644-646
   6ba-6bc 648 6c4 6d5 6c1 6be 621 6cc 6d0 6d2 64d 650 64f 657 654 ${SMALL} 655 651 653 656 670`,
].map(table)

const CLASSIC_00 = '.10 0c .9 5e .6 esc .12 7b 7d .5 5c .12 5b 7e 5d . 7c'
const INDIC_00 = '40 a3 24 a5 bf 22 a4 25-27 0c 2a 2b . 2d 2f 3c-3e a1 5e a1 5f 23 2a'
const INDIC_3C = '5b 7e 5d . 7c 41-5a .10 20ac .26'

/** The extension of the default alphabet, then the single shift tables by language. */
export const SINGLE: readonly (readonly string[])[] = [
  `${CLASSIC_00} .36 20ac .26`,
  `${CLASSIC_00} .6 11e . 130 .9 15e .15 e7 . 20ac . 11f . 131 .9 15f .12`,
  `.9 e7 0c .9 5e .6 esc .12 7b 7d .5 5c .12 5b 7e 5d . 7c c1 .7 cd .5 d3 .5 da .11 e1 .3 20ac .3 ed .5 f3 .5 fa .10`,
  `.5 ea .3 e7 0c d4 f4 . c1 e1 .2 3a6 393 5e 3a9 3a0 3a8 3a3 398 . esc .3 ca .8 7b 7d .5 5c .12 5b 7e 5d . 7c c0 .7 cd .5 d3
   .5 da .5 c3 d5 .4 c2 .3 20ac .3 ed .5 f3 .5 fa .5 e3 f5 .2 e2`,
  `${INDIC_00} 9e6 9e7 esc 9e8-9ef 9df-9e2 7b 7d 9e3 9f2-9f5 5c 9f6-9fa .7 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc ae6-aef .2 7b 7d .5 5c .12 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc 966-96f 951 952 7b 7d 953 954 958-95a 5c 95b-963 970 971 . ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc ce6-cef cde cf1 7b 7d cf2 .4 5c .12 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc d66-d71 7b 7d d72-d75 d7a 5c d7b-d7f .7 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc b66-b6f b5c b5d 7b 7d b5f b70 b71 .2 5c .12 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc a66-a6f a59 a5a 7b 7d a5b a5c a5e a75 . 5c .12 ${INDIC_3C}`,
  `${INDIC_00} 964 965 esc be6-bef bf3 bf4 7b 7d bf5-bf8 bfa 5c .12 ${INDIC_3C}`,
  `${INDIC_00} .2 esc c66-c6f c58 c59 7b 7d c78-c7c 5c c7d-c7f .9 ${INDIC_3C}`,
  `${INDIC_00} 600 601 esc 6f0-6f9 60c 60d 7b 7d 60e-612 5c 613 614 61b 61f 640 652 658 66b 66c 672 673 6cd 5b 7e 5d 6d4 7c
   41-5a .10 20ac .26`,
].map(table)

/** 128 characters by septet; '' where there is none. */
function table(row: string): string[] {
  const characters: string[] = []
  for (const token of row.split(/\s+/)) {
    if (token === '') continue
    if (token === 'esc') characters.push('')
    else if (token.startsWith('.'))
      for (let n = Number(token.slice(1) || 1); n > 0; n--) characters.push('')
    else {
      const [first = '', last = first] = token.split('-')
      for (let code = parseInt(first, 16); code <= parseInt(last, 16); code++)
        characters.push(String.fromCharCode(code))
    }
  }
  return characters
}
