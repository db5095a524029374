"""Writes the fixtures beside it that Rust has no writer for. Run with Python 3 alone: python3 make.py"""

import lzma
import os
import sqlite3

here = os.path.dirname(os.path.abspath(__file__))


def database(name, encoding):
    path = os.path.join(here, name)
    if os.path.exists(path):
        os.remove(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA encoding = '{encoding}'")
    connection.execute("PRAGMA page_size = 512")
    connection.executescript(
        """
        CREATE TABLE people (number INTEGER PRIMARY KEY, "full name" TEXT, mail TEXT, weight REAL, photo BLOB,
                             CHECK (weight > 0));
        CREATE TABLE codes (code TEXT PRIMARY KEY, meaning TEXT) WITHOUT ROWID;
        CREATE INDEX by_mail ON people (mail);
        """
    )
    for at in range(1, 41):
        photo = bytes([0, 255, at]) if at % 2 else f"note {at}".encode()
        row = (at * 1000, f"Person {at}", f"person{at}@example.org", at / 2, photo)
        connection.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?)", row)
    # A row that runs over several pages.
    connection.execute("INSERT INTO people VALUES (99000, ?, 'long@example.org', 1, NULL)", ("caf\u00e9 " * 400,))
    connection.execute("INSERT INTO codes VALUES ('A1', 'first'), ('B2', 'second')")
    connection.commit()
    connection.close()


database("people.sqlite", "UTF-8")
database("people-utf16.sqlite", "UTF-16le")

with open(os.path.join(here, "notes.txt.xz"), "wb") as file:
    file.write(lzma.compress(b"packed in xz\n" * 20))
