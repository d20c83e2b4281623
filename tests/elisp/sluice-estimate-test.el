;;; sluice-estimate-test.el --- Tests of sluice-estimate.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'ert)
(require 'sluice-estimate)

(ert-deftest sluice-estimate-test-texts ()
  "Counts are what the daemon estimates for the same texts and gpt-4o."
  (pcase-dolist (`(,text . ,tokens)
                 `(("" . 0) ("Hello, how are you?" . 5.8)
                   ("안녕하세요, 만나서 반갑습니다" . 10.65) ("你好，很高兴认识你" . 6.26)
                   ("x = f(12345) + g[6]\n" . 12) ("🙂" . 0.26)
                   (,(concat (apply #'concat (make-list 20 "QUJD")) " tail") . 57)))
    (should (< (abs (- tokens (sluice-estimate--text text))) 0.001)))
  (should (= 6 (sluice-estimate-tokens "Hello, how are you?"))))

(ert-deftest sluice-estimate-test-long ()
  "A long text is judged by a sample, and comes out like the whole."
  (let* ((line "The quick brown fox jumps over the lazy dog. ")
         (long (apply #'concat (make-list 3000 line)))
         (exact (* 3000 (sluice-estimate--text line))))
    (should (> (length long) sluice-estimate--sample))
    (should (< (abs (- 1 (/ (sluice-estimate-tokens long) exact))) 0.03))))

(ert-deftest sluice-estimate-test-messages ()
  "Each message costs something beside its text, and the system prompt counts."
  (should (= 15 (sluice-estimate-messages '((:role "user" :content "one")
                                            (:role "user" :content "two"))
                                          "three"))))

(defun sluice-estimate-test-pool (&rest more)
  "Return the limits of one model, changed by MORE."
  (list (append more
                (list :host "h" :group "m" :waiting 0
                      :dims '((:dimension "requests" :limit 60 :remaining 5 :period_s 60
                                          :shape "bucket")
                              (:dimension "tokens" :limit 6000 :remaining 1000 :period_s 60
                                          :shape "bucket"))))))

(ert-deftest sluice-estimate-test-wait ()
  "The wait follows from what is left and how fast it comes back."
  (let ((pools (sluice-estimate-test-pool)))
    (should (= 0 (sluice-estimate-wait pools 900 "h" "m")))
    (should (= 5 (sluice-estimate-wait pools 1500 "h" "m")))
    ;; The only pool of a host holds for a model that was not seen yet.
    (should (= 5 (sluice-estimate-wait pools 1500 "h" "other")))
    (should-not (sluice-estimate-wait pools 1500 "elsewhere" "m")))
  (should-not (sluice-estimate-wait (sluice-estimate-test-pool :waiting 3) 900 "h" "m"))
  (should-not (sluice-estimate-wait (sluice-estimate-test-pool :blocked '(:subtype "x"))
                                    900 "h" "m"))
  (should-not (sluice-estimate-wait (sluice-estimate-test-pool :dims nil) 900 "h" "m"))
  (should (= 7 (sluice-estimate-wait
                (sluice-estimate-test-pool
                 :dims '((:dimension "requests" :limit 1 :remaining 0 :period_s 60
                                     :shape "fixed" :full_in_s 7)))
                1 "h" "m"))))

(ert-deftest sluice-estimate-test-words ()
  "Tokens and wait in words."
  (should (equal "1,240 tokens, ~0.4 s wait" (sluice-estimate-words 1240 0.4)))
  (should (equal "12 tokens, no wait" (sluice-estimate-words 12 0)))
  (should (equal "1,234,567 tokens, ~31 s wait" (sluice-estimate-words 1234567 30.2)))
  (should (equal "5 tokens" (sluice-estimate-words 5))))

(provide 'sluice-estimate-test)
;;; sluice-estimate-test.el ends here
