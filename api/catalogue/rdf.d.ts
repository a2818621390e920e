/** What the tests use of a package that ships no types of its own. */
