"""Requests and messages made at random, in any number: few in a test run, many in a long one."""
