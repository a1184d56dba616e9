"""What a word is: one spelling for each, the ten digits, languages."""
