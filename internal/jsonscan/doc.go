// Package jsonscan reads one JSON object in one pass: it checks the object against RFC 8259 and UTF-8, and notes where
// its top-level members are, without building a map and, once warm, without allocating.
//
// The contract:
//
//   - [Scanner.Object] accepts an object when encoding/json.Valid and unicode/utf8.Valid both accept it, nested no
//     deeper than [MaxDepth]. So raw control characters, overlong or surrogate UTF-8, a byte order mark, NaN, Infinity,
//     hexadecimal and numbers such as +1, 1. or .5 are rejected. RFC 8259 allows an escaped lone surrogate such as
//     \ud800, and so does this package.
//   - Nothing is decoded and nothing copied: members are offsets into the input, so number text and escapes stay as
//     sent.
//   - Keys are compared decoded ("user\u005fid" is "user_id"), exactly, upper and lower case being different.
//   - Time is linear in the input, for hostile keys too: their hash is seeded anew in each process.
//
// The package knows nothing about events.
package jsonscan
