"""What an operator does to a log over the years, without breaking what it once said.

backup     a verified copy while a gateway goes on, and its way back
restart    the end of a log that cannot go on, and a new one under a new name
rotation   another key
timestamp  tokens of a time stamping authority over checkpoints
archive    old entries moved to a folder
"""
